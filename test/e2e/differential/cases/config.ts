import type { ComparedCase } from '../case.ts';

const rich = [
  'FROM busybox',
  'ENV A=base B=base PATH=/own/bin:/bin',
  'LABEL x=base y=base',
  'USER app',
  'WORKDIR /base',
  'EXPOSE 80',
  'VOLUME /v1',
  'STOPSIGNAL SIGUSR1',
  'HEALTHCHECK --interval=5s CMD base',
  'SHELL ["/bin/sh", "-ec"]',
  'ENTRYPOINT ["base-entry"]',
  'CMD ["base-command"]',
  'MAINTAINER someone@example.org',
].join('\n');

/** The image's configuration and its history. */
export const configCases: readonly ComparedCase[] = [
  { name: 'nothing but a base', dockerfile: 'FROM busybox\n' },
  { name: 'trap 80: scratch alone', files: { f: 'f' }, dockerfile: 'FROM scratch\nLABEL a=b\nCOPY f /\n' },
  {
    name: 'everything inherited',
    parent: rich,
    dockerfile: 'FROM PARENT\nRUN env | sort > /tmp/out; pwd >> /tmp/out; id -u >> /tmp/out\n',
  },
  {
    name: 'everything overridden',
    parent: rich,
    dockerfile:
      'FROM PARENT\nENV B=own\nLABEL y=own\nUSER root\nWORKDIR own\nEXPOSE 81/udp\nVOLUME ["/v2"]\nSTOPSIGNAL 9\nHEALTHCHECK NONE\nSHELL ["/bin/sh","-c"]\nENTRYPOINT own entry\nCMD own command\nMAINTAINER me\n',
  },
  {
    name: 'trap 34: a variable set again keeps its place; PATH is added where it lacks',
    parent: 'FROM scratch\nENV ONE=1 TWO=2 THREE=3\n',
    dockerfile: 'FROM PARENT\nENV TWO=new\nENV FOUR=4 ONE=again\nCOPY Dockerfile /\n',
  },
  {
    name: "trap 34: PATH of one's own",
    dockerfile: 'FROM scratch\nENV PATH=/a:$PATH\nENV PATH=$PATH:/b\nCOPY Dockerfile /\n',
  },
  {
    name: 'trap 35: ENTRYPOINT clears an inherited CMD',
    parent: rich,
    dockerfile: 'FROM PARENT\nENTRYPOINT ["own"]\n',
  },
  {
    name: 'trap 35: ENTRYPOINT leaves a CMD of this stage',
    parent: rich,
    dockerfile: 'FROM PARENT\nCMD ["own"]\nENTRYPOINT ["own"]\n',
  },
  {
    name: 'trap 35: a CMD of the stage below counts as inherited',
    dockerfile: 'FROM busybox AS a\nCMD ["a"]\nFROM a\nENTRYPOINT ["own"]\n',
  },
  { name: 'trap 35: empty lists clear', parent: rich, dockerfile: 'FROM PARENT\nENTRYPOINT []\nCMD []\n' },
  {
    name: 'trap 35: CMD alone with an inherited ENTRYPOINT',
    parent: rich,
    dockerfile: 'FROM PARENT\nCMD only\n',
  },
  {
    name: 'trap 36: the shell in force at each line',
    dockerfile:
      'FROM busybox\nCMD one\nSHELL ["/bin/sh", "-exc"]\nRUN echo $- > /out\nENTRYPOINT two\nSHELL ["/bin/busybox", "sh", "-c"]\nRUN echo "$0" > /out2\n',
  },
  {
    name: 'trap 36: an inherited shell',
    parent: rich,
    dockerfile: 'FROM PARENT\nUSER root\nRUN echo $- > /out\nCMD later\n',
  },
  { name: 'trap 36: SHELL without JSON', dockerfile: 'FROM busybox\nSHELL /bin/sh -c\n', fails: true },
  {
    name: 'trap 37: the shell form of CMD and ENTRYPOINT, with quotes, variables and operators',
    dockerfile:
      'FROM busybox\nENV V=x\nENTRYPOINT exec top -b "$V" \'q\'\nCMD echo "$V" && ls | cat > /dev/null # no comment\n',
  },
  {
    name: 'trap 37: the exec form, with escapes',
    dockerfile: 'FROM busybox\nENTRYPOINT ["a b", "c\\"d", "e\\\\f", "g\\th", "\\u00e9"]\nCMD [ "x" , "" ]\n',
  },
  {
    name: 'trap 38: the ENTRYPOINT of an image is nothing to RUN',
    parent: 'FROM busybox\nENTRYPOINT ["false"]\n',
    dockerfile: 'FROM PARENT\nRUN touch /ran\n',
  },
  {
    name: 'trap 39: WORKDIR relative, with .. and variables',
    dockerfile:
      'FROM busybox\nENV D=var\nWORKDIR /a/b\nWORKDIR c\nWORKDIR ../d\nWORKDIR $D/${D}2\nWORKDIR /x/../y//z/./\nWORKDIR $UNSET\nRUN pwd > /out\n',
  },
  {
    name: 'trap 39: WORKDIR belongs to USER with its parents, what is there stays',
    dockerfile:
      'FROM busybox\nRUN mkdir -m 711 /there\nUSER app\nWORKDIR /own/deep\nWORKDIR /there\nUSER app:daemon\nWORKDIR /group\nUSER 77\nWORKDIR /number\nUSER 77:78\nWORKDIR /numbers\n',
  },
  {
    name: 'trap 39: WORKDIR / and WORKDIR through a link',
    dockerfile:
      'FROM busybox\nRUN mkdir /real && ln -s real /link\nWORKDIR /\nWORKDIR /link/in\nRUN pwd -P > /out\n',
  },
  {
    name: 'trap 39: the WORKDIR of a base that is not there',
    parent: 'FROM busybox\nWORKDIR /gone/deep\nUSER app\n',
    dockerfile: 'FROM PARENT\nUSER root\nRUN cd / && rm -r /gone\nUSER app\nRUN pwd\n',
  },
  {
    name: 'trap 41: EXPOSE',
    dockerfile:
      'FROM busybox\nENV P=8080 MANY="1 2/udp"\nEXPOSE 443 80/TCP 53/udp $P\nEXPOSE 7000-7002 $MANY 80\n',
  },
  { name: 'trap 41: EXPOSE of what is no port', dockerfile: 'FROM busybox\nEXPOSE http\n', fails: true },
  {
    name: 'trap 42: VOLUME makes no folder and loses no later change',
    dockerfile:
      'FROM busybox\nVOLUME /v /w\nVOLUME ["/j k"]\nENV D=/var/d\nVOLUME $D\nRUN mkdir -p /v && echo kept > /v/f\n',
  },
  { name: 'trap 43: STOPSIGNAL as it is written', dockerfile: 'FROM busybox\nSTOPSIGNAL SIGINT\n' },
  {
    name: 'trap 43: STOPSIGNAL by short name and variable',
    dockerfile: 'FROM busybox\nENV S=quit\nSTOPSIGNAL ${S}\n',
  },
  {
    name: 'trap 43: STOPSIGNAL that is none',
    dockerfile: 'FROM busybox\nSTOPSIGNAL SIGNOTHING\n',
    fails: true,
  },
  {
    name: 'trap 43: HEALTHCHECK with all that it takes',
    dockerfile:
      'FROM busybox\nHEALTHCHECK --interval=1m30s --timeout=5s --start-period=100ms --retries=4 CMD ["curl", "-f", "http://x"]\n',
  },
  {
    name: 'trap 43: HEALTHCHECK in the shell form',
    dockerfile: 'FROM busybox\nHEALTHCHECK --interval=1h CMD test -f "$HOME" || exit 1\n',
  },
  { name: 'trap 43: HEALTHCHECK NONE', dockerfile: 'FROM busybox\nHEALTHCHECK NONE\n' },
  {
    name: 'trap 43: HEALTHCHECK with less than a millisecond',
    dockerfile: 'FROM busybox\nHEALTHCHECK --interval=1us CMD x\n',
    fails: true,
  },
  {
    name: 'trap 44: LABEL',
    dockerfile:
      'FROM busybox\nENV K=key V=value\nLABEL a=1 "b c"="d e" $K=$V single=\'$V\' double="$V"\nLABEL old style label\nLABEL multi="line one \\\nline two" empty=\nLABEL esc="a\\"b" tab="a\\tb" dollar=\\$V\n',
  },
  {
    name: 'trap 44: --label',
    args: ['--label', 'from.flag=1', '--label', 'a=flag'],
    dockerfile: 'FROM busybox\nLABEL a=file b=file\n',
  },
  {
    name: 'trap 45: ONBUILD is stored as it is written',
    dockerfile:
      'FROM busybox\nENV V=x\nONBUILD RUN echo $V   "two  blanks"\nonbuild copy . /app\nONBUILD ENV A=$V B="c d"\nONBUILD ENTRYPOINT ["a", "b"]\n',
  },
  {
    name: 'trap 45: ONBUILD runs in the child, before its own lines, with its values',
    parent:
      'FROM busybox\nONBUILD ARG V=default\nONBUILD ENV SEEN=$V\nONBUILD RUN echo "$V $SEEN" > /trigger\nONBUILD COPY f /copied\nONBUILD WORKDIR /w\nONBUILD USER app\n',
    files: { f: 'f' },
    args: ['--build-arg', 'V=given'],
    dockerfile: 'FROM PARENT\nRUN pwd > /tmp/out; id -u >> /tmp/out; env | sort >> /tmp/out\nLABEL own=1\n',
  },
  {
    name: 'trap 45: ONBUILD of a stage in the same file',
    dockerfile:
      'FROM busybox AS a\nONBUILD RUN echo one >> /t\nONBUILD RUN echo two >> /t\nRUN echo zero > /t\nFROM a AS b\nRUN echo three >> /t\nFROM b\nRUN echo four >> /t\n',
  },
  {
    name: 'trap 45: an ONBUILD that is not allowed',
    dockerfile: 'FROM busybox\nONBUILD FROM busybox\n',
    fails: true,
  },
  { name: 'trap 45: ONBUILD of ONBUILD', dockerfile: 'FROM busybox\nONBUILD ONBUILD RUN x\n', fails: true },
  {
    name: "trap 46: what only Docker's config has",
    dockerfile:
      'FROM scratch\nSHELL ["a", "b"]\nHEALTHCHECK --retries=1 CMD c\nONBUILD RUN d\nCMD e\nCOPY Dockerfile /\n',
  },
  {
    name: 'trap 47: the history of every kind of line',
    files: { f: 'f' },
    dockerfile:
      'FROM busybox\nARG A=1 B\nENV C=2\nLABEL d=3\nCOPY f /f\nADD f /g\nRUN touch /h\nWORKDIR /i\nUSER j\nEXPOSE 4 5/udp\nVOLUME /k /l\nSTOPSIGNAL 15\nHEALTHCHECK CMD m\nSHELL ["n", "o p"]\nENTRYPOINT ["q", "r s"]\nCMD t u\nMAINTAINER v w\nONBUILD RUN x\n',
  },
  {
    name: 'trap 47: the history of flags, wildcards and continued lines',
    files: { f: 'f', g: 'g' },
    dockerfile:
      'FROM busybox\nCOPY --chown=1:2 --chmod=755 f g /x/\nCOPY * /y/\nRUN echo a \\\n  # a comment\n  && echo   b \\\n\n  ; echo c\nENV A="b c" \\\n  D=e\nLABEL "k l"="m n"\n',
  },
  {
    name: 'trap 47: the history of USER and WORKDIR with variables',
    dockerfile: 'FROM busybox\nENV U=app D=/d\nUSER $U\nWORKDIR $D/x\nUSER ${U}:daemon\n',
  },
  { name: 'MAINTAINER', dockerfile: 'FROM busybox\nMAINTAINER "The Name" <x@example.org>\n' },

  {
    name: 'quotes around whatever takes one word',
    dockerfile:
      'FROM busybox\nWORKDIR "/a b/c"\nUSER "app"\nEXPOSE "80" \'81/udp\'\nSTOPSIGNAL "SIGTERM"\nVOLUME "/v" /x\nENV "Q R"="s t"\n',
  },
  { name: 'commands without words', dockerfile: 'FROM busybox\nRUN\nCMD\nENTRYPOINT\n' },
  {
    name: 'several of what counts once',
    dockerfile:
      'FROM busybox\nCMD one\nCMD ["two"]\nENTRYPOINT one\nENTRYPOINT ["two"]\nHEALTHCHECK CMD one\nHEALTHCHECK CMD ["two"]\nUSER a\nUSER app\nSTOPSIGNAL 1\nSTOPSIGNAL 2\nMAINTAINER a\nMAINTAINER b\nLABEL a=1\nLABEL a=2 a=3\n',
  },
  {
    name: 'trap 45: ONBUILD does not reach the grandchild',
    parent: 'FROM busybox\nONBUILD RUN echo x >> /t\n',
    dockerfile: 'FROM PARENT AS a\nFROM a\nRUN cat /t > /out\n',
  },
  {
    name: 'trap 45: ONBUILD over several lines',
    dockerfile: 'FROM busybox\nONBUILD RUN echo a \\\n  # comment\n  && echo b\nONBUILD LABEL c="d \\\n e"\n',
  },
  {
    name: 'trap 45: triggers that set everything',
    parent:
      'FROM busybox\nONBUILD ENV A=1\nONBUILD LABEL b=2\nONBUILD EXPOSE 3\nONBUILD VOLUME /4\nONBUILD USER app\nONBUILD WORKDIR /5\nONBUILD CMD 6\nONBUILD ENTRYPOINT ["7"]\nONBUILD STOPSIGNAL 8\nONBUILD SHELL ["/bin/sh", "-c"]\nONBUILD HEALTHCHECK NONE\n',
    dockerfile: 'FROM PARENT\n',
  },
  {
    name: 'trap 36: SHELL without -c',
    dockerfile: 'FROM busybox\nSHELL ["/bin/sh"]\nCMD x y\nENTRYPOINT z\n',
  },
  {
    name: 'trap 42: VOLUME, then COPY into it',
    files: { f: 'f' },
    dockerfile: 'FROM busybox\nVOLUME /v\nCOPY f /v/\nRUN echo g > /v/g\n',
  },
  {
    name: 'trap 40: a number is an id, whoever is called so',
    dockerfile:
      'FROM busybox\nRUN echo "1234:x:5:6::/five:/bin/sh" >> /etc/passwd && mkdir -m 1777 /o\nUSER 1234\nRUN id -u > /o/1; id -g >> /o/1; echo $HOME >> /o/1\nUSER app:1\nRUN id -g > /o/2\nUSER 0\nRUN id -u > /o/3\n',
  },
];
