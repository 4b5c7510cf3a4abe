import type { ComparedCase } from '../case.ts';

/** RUN: what it sees, and what it leaves in the layer. */
export const runCases: readonly ComparedCase[] = [
  {
    name: 'trap 40: USER by name, id and group, with what HOME and the groups are',
    dockerfile: [
      'FROM busybox',
      'RUN id > /0; echo "$HOME" >> /0; mkdir -m 1777 /o',
      'USER app',
      'RUN id -u > /o/1; id -g >> /o/1; id -G >> /o/1; echo "$HOME" >> /o/1',
      'USER app:daemon',
      'RUN id -u > /o/2; id -g >> /o/2; id -G >> /o/2; echo "$HOME" >> /o/2',
      'USER 1000',
      'RUN id -u > /o/3; id -g >> /o/3; id -G >> /o/3; echo "$HOME" >> /o/3',
      'USER 4242',
      'RUN id -u > /o/4; id -g >> /o/4; id -G >> /o/4; echo "$HOME" >> /o/4',
      'USER 4242:77',
      'RUN id -u > /o/5; id -g >> /o/5; id -G >> /o/5; echo "$HOME" >> /o/5',
      'ENV HOME=/mine',
      'USER root',
      'RUN echo "$HOME" > /6',
    ].join('\n'),
  },
  {
    name: 'trap 40: a USER that the image lacks',
    dockerfile: 'FROM busybox\nUSER nobody-here\nRUN id\n',
    fails: true,
  },
  {
    name: 'trap 49: nothing of the mounts is in the layer',
    dockerfile:
      'FROM busybox\nRUN cat /etc/resolv.conf /etc/hosts /proc/self/status > /dev/null; ls /sys /dev/shm > /dev/null\nRUN touch /etc/made\n',
  },
  {
    name: 'trap 49: an image that has files where the mounts go',
    dockerfile:
      'FROM busybox\nCOPY resolv.conf hosts /etc/\nCOPY x /dev/x\nCOPY x /proc/x\nRUN touch /f\nRUN rm -f /etc/nothing\n',
    files: { 'resolv.conf': 'nameserver 192.0.2.1\n', hosts: '192.0.2.2 own\n', x: 'x' },
  },
  {
    name: 'trap 50: mounts of type bind, tmpfs, cache and secret leave nothing',
    files: { 'src/a': 'a', key: 'hidden' },
    args: ['--secret', 'id=key,src=CONTEXT/key'],
    dockerfile:
      'FROM busybox\nRUN --mount=source=src,target=/m --mount=type=tmpfs,target=/t --mount=type=cache,target=/c --mount=type=secret,id=key cat /m/a /run/secrets/key > /out; touch /t/x /c/y\n',
  },
  {
    name: 'trap 50: a mount onto what the image has',
    files: { 'src/a': 'a' },
    dockerfile:
      'FROM busybox\nRUN mkdir -m 700 /m && echo own > /m/own && chmod 640 /etc/group\nRUN --mount=source=src,target=/m --mount=source=src/a,target=/etc/group cat /m/a /etc/group > /out; ls /m >> /out\n',
  },
  {
    name: 'trap 50: bind mounts of a stage and of an image, with rw',
    dockerfile:
      'FROM busybox AS s\nRUN mkdir /d && echo 1 > /d/f\nFROM busybox\nRUN --mount=from=s,source=/d,target=/m,rw cat /m/f > /o/1; echo 2 > /m/f\nRUN --mount=from=s,target=/m cat /m/d/f > /2\nRUN --mount=from=busybox,source=/etc/group,target=/n cat /n > /3\n',
  },
  {
    name: 'trap 50: where mounts are, as the step sees it',
    files: { 'src/a': { content: 'a', mode: 0o604 }, key: 'hidden' },
    args: ['--secret', 'id=key,src=CONTEXT/key'],
    dockerfile:
      'FROM busybox\nWORKDIR /w\nRUN --mount=source=src,target=rel --mount=type=secret,id=key,target=sec,uid=5,gid=6,mode=0440 --mount=type=tmpfs,target=/t --mount=type=cache,target=/c,uid=7,gid=8,mode=0750 stat -c "%n %a %u:%g" rel rel/a sec /t /c > /out; env | sort >> /out\n',
  },
  {
    name: 'trap 50: a secret that is required and was not given',
    dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=none,required true\n',
    fails: true,
  },
  {
    name: 'trap 50: a secret that was not given',
    dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=none ls /run > /out 2>&1; echo $? >> /out\n',
  },
  {
    name: 'trap 50: ssh that was not given, and what its variable says',
    dockerfile: 'FROM busybox\nRUN --mount=type=ssh echo $SSH_AUTH_SOCK > /out; ls /run >> /out 2>&1; true\n',
  },
  {
    name: 'trap 51: a cache with a beginning from a stage',
    dockerfile:
      'FROM busybox AS s\nRUN mkdir /d && echo seed > /d/f && chmod 711 /d && chown 5:6 /d\nFROM busybox\nRUN --mount=type=cache,from=s,source=/d,target=/c stat -c "%a %u:%g" /c > /out; cat /c/f >> /out\n',
  },
  {
    name: 'the mode and owner of / are no part of a layer',
    dockerfile: 'FROM busybox\nRUN chmod 1777 / && chown 5:6 /\nRUN stat -c "%a %u:%g" / > /out\n',
  },
  { name: 'trap 52: a step that fails', dockerfile: 'FROM busybox\nRUN exit 7\n', fails: true },
  {
    name: 'trap 52: a command that is not there',
    dockerfile: 'FROM busybox\nRUN ["nothing-here"]\n',
    fails: true,
  },
  {
    name: 'the exec form: no shell, blanks and quotes kept',
    dockerfile:
      'FROM busybox\nRUN ["/bin/sh", "-c", "echo \\"$0 $1 a  b\\" > /out", "zero", "o ne"]\nRUN ["touch", "/$HOME"]\n',
  },
  {
    name: 'the environment of a step',
    args: ['--build-arg', 'B=given', '--build-arg', 'HTTP_PROXY=http://127.0.0.1:9'],
    dockerfile:
      'FROM busybox\nENV A=1 LONG="two words"\nARG B\nARG C=default\nARG D\nRUN env | sort > /out; hostname >> /out; pwd >> /out; umask >> /out; ulimit -n > /dev/null\n',
  },
  {
    name: '--network none',
    args: ['--network', 'none'],
    dockerfile: 'FROM busybox\nRUN ip -o link | wc -l > /out\n',
  },
  {
    name: '--add-host',
    args: ['--add-host', 'some.host:192.0.2.7'],
    dockerfile: 'FROM busybox\nRUN grep some.host /etc/hosts > /out\n',
  },
  {
    name: 'capabilities, seccomp and devices of a step',
    dockerfile:
      'FROM busybox\nRUN grep CapPrm /proc/self/status > /out; ls /dev | sort | grep -v mqueue >> /out; mount -t tmpfs t /tmp 2>/dev/null; echo $? >> /out\n',
  },
  {
    name: 'signals and background processes end with the step',
    dockerfile: 'FROM busybox\nRUN (sleep 1000; touch /late) & touch /now\n',
  },
  {
    name: 'what goes to /dev/stdout and stderr',
    dockerfile:
      'FROM busybox\nRUN echo out > /dev/stdout; echo err > /dev/stderr; ls -l /dev/fd > /dev/null\n',
  },

  {
    name: 'standard input is empty',
    dockerfile: 'FROM busybox\nRUN cat > /out\n',
  },
  {
    name: 'what is written to mounted files and to /dev is not kept',
    dockerfile:
      'FROM busybox\nRUN echo "1.2.3.4 x" >> /etc/hosts; echo y >> /etc/resolv.conf; mkdir /dev/made; touch /dev/shm/made; echo kept > /kept\n',
  },
  {
    name: 'a mounted file cannot be removed',
    dockerfile:
      'FROM busybox\nRUN rm /etc/hosts 2> /out; mv /etc/resolv.conf /r 2>> /out; echo done >> /out\n',
  },
  {
    name: 'a step that a signal ends',
    dockerfile: "FROM busybox\nRUN sh -c 'kill -9 $$; true'; exit $?\n",
    fails: true,
  },
  {
    name: 'a step that cannot be executed',
    files: { f: { content: 'x', mode: 0o644 } },
    dockerfile: 'FROM busybox\nCOPY f /f\nRUN ["/f"]\n',
    fails: true,
  },
  { name: 'a step without a shell', dockerfile: 'FROM scratch\nRUN echo x\n', fails: true },
  {
    name: 'new files in a folder with setgid',
    dockerfile: 'FROM busybox\nRUN mkdir -m 2775 /d && chown 0:5 /d && touch /d/f && mkdir /d/e\n',
  },
  {
    name: 'a working folder that the step removes',
    dockerfile: 'FROM busybox\nWORKDIR /w\nRUN rmdir /w && echo x > /out\nRUN pwd >> /out\n',
  },
  {
    name: 'proc, sys and the kernel as a step sees them',
    dockerfile:
      'FROM busybox\nRUN for f in /proc/sys/kernel/hostname /sys/kernel/x /proc/sysrq-trigger; do echo x > $f; echo $?; done > /out 2>&1; cat /proc/1/comm >> /out; ls /proc/acpi /proc/scsi >> /out 2>&1; grep -c . /proc/kcore >> /out 2>&1; true\n',
  },
  {
    name: 'seccomp and no new privileges of a step',
    dockerfile:
      'FROM busybox\nRUN grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status > /out; unshare -U true 2>/dev/null; echo $? >> /out; unshare -m true 2>/dev/null; echo $? >> /out\n',
  },
];
