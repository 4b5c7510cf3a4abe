import type { ComparedCase } from '../case.ts';

const touched = '&& touch -d "2001-02-03 04:05:06"';

/** What a layer says of changes. */
export const layerCases: readonly ComparedCase[] = [
  {
    name: 'trap 53: what is removed',
    dockerfile:
      'FROM busybox\nRUN mkdir -p /d/e && touch /d/f /d/e/g /x\nRUN rm /d/f /x /etc/group && rm -r /d/e\nRUN rm -r /d\n',
  },
  {
    name: 'trap 54: a folder that is removed and made again',
    dockerfile:
      'FROM busybox\nRUN mkdir -p /d/e/f && touch /d/a /d/e/b /d/e/f/c\nRUN rm -r /d && mkdir -p /d/e && touch /d/new\n',
  },
  {
    name: 'trap 54: removed and made again with names that it had',
    dockerfile:
      'FROM busybox\nRUN mkdir -p /d/s/t && echo 1 > /d/a && echo 1 > /d/s/b\nRUN rm -r /d && mkdir -p /d/s && echo 2 > /d/s/b\n',
  },
  {
    name: 'trap 55: a folder becomes a link, a link a folder, a file a folder, a folder a file',
    dockerfile:
      'FROM busybox\nRUN mkdir -p /d/x /r && ln -s r /l && touch /f && mkdir -p /g/h\nRUN rm -r /d && ln -s r /d && rm /l && mkdir /l && touch /l/in && rm /f && mkdir /f && rm -r /g && touch /g\n',
  },
  {
    name: 'trap 56: names of one file within a layer',
    dockerfile: 'FROM busybox\nRUN mkdir /d && echo x > /d/a && ln /d/a /d/b && ln /d/a /c\n',
  },
  {
    name: 'trap 56: a name of a file of a lower layer changes',
    dockerfile:
      'FROM busybox\nRUN echo x > /a && ln /a /b && ln /a /c\nRUN chmod 600 /a\nRUN echo y >> /b\nRUN ln /c /e\nRUN rm /c\n',
  },
  {
    name: 'trap 57: parents of what changed, and unchanged folders',
    dockerfile: 'FROM busybox\nRUN mkdir -p /a/b/c /z/y\nRUN touch /a/b/c/f\nRUN ls -R /a /z > /dev/null\n',
  },
  {
    name: 'trap 57: a folder whose mode or owner alone changed',
    dockerfile: 'FROM busybox\nRUN mkdir -p /d/e /f\nRUN chmod 700 /d && chown 5 /f\n',
  },
  {
    name: 'trap 58: the same content again, another time, there and back',
    dockerfile:
      'FROM busybox\nRUN echo x > /a; echo x > /b; echo x > /c; touch -d "2001-01-01 00:00:00" /a /b /c\nRUN echo x > /a\nRUN touch -d "2002-01-01 00:00:00" /b\nRUN mv /c /d && mv /d /c\n',
  },
  {
    name: 'trap 58: the time of a folder alone',
    dockerfile: 'FROM busybox\nRUN mkdir -p /d/e\nRUN touch -d "2002-01-01 00:00:00" /d\n',
  },
  {
    name: 'trap 59: fractions of seconds, sockets, owners by name',
    dockerfile:
      'FROM busybox\nRUN touch /a && chown app:daemon /a; nc -lU /s 2>/dev/null & sleep 0.2; ls /s > /dev/null 2>&1; true\n',
  },
  {
    name: 'trap 61: a file with holes',
    dockerfile:
      'FROM busybox\nRUN truncate -s 3M /sparse && echo end >> /sparse && dd if=/dev/zero of=/holes bs=1 seek=100000 count=1 2>/dev/null\n',
  },
  {
    name: 'trap 61: names over 100 and link targets over 100 bytes',
    dockerfile:
      'FROM busybox\nRUN n=$(head -c 120 /dev/zero | tr "\\0" n); mkdir -p /$n/$n && touch /$n/$n/$n && ln -s $n$n /l && ln /$n/$n/$n /h\n',
  },
  {
    name: 'trap 63: large ids',
    dockerfile:
      'FROM busybox\nRUN touch /a /b && chown 3000000:4000000 /a && chown 2147483647:2147483647 /b\n',
  },
  {
    name: 'trap 47: steps that change nothing have an empty layer each',
    dockerfile: 'FROM busybox\nRUN true\nRUN true && :\nWORKDIR /tmp\nCOPY none* /x/\nRUN echo > /dev/null\n',
  },
  {
    name: 'times of folders that are copied from a stage',
    dockerfile:
      'FROM busybox AS s\nRUN mkdir -p /s/t/u && touch -d "2001-02-03 04:05:06" /s/t/u /s/t /s\nFROM scratch\nCOPY --from=s /s /x\nCOPY --from=s / /y\n',
  },
  {
    name: 'special files',
    dockerfile:
      'FROM busybox\nRUN mkfifo -m 640 /p && mknod -m 600 /c c 1 3 && mknod /b b 7 0 && ln -s /nowhere /l && ln -s ../x /m\n',
  },
  {
    name: 'modes: setuid, sticky, none at all',
    dockerfile:
      'FROM busybox\nRUN touch /a /b /c && chmod 6755 /a && chmod 0 /b && mkdir -m 1777 /t && mkdir -m 2750 /s\n',
  },
  {
    name: 'times that a step sets',
    dockerfile: `FROM busybox\nRUN echo x > /f && mkdir /d && ln -s f /l ${touched} /f ${touched} /d && touch -h -d "2001-02-03 04:05:06" /l\nRUN touch -d "1969-12-31 23:59:50" /f\n`,
  },
  {
    name: 'a file of the base that moves, with its folder',
    dockerfile:
      'FROM busybox\nRUN mkdir -p /d/e && echo x > /d/e/f\nRUN mv /d /moved\nRUN mv /moved/e/f /moved/g\n',
  },
  {
    name: 'names with blanks, quotes, newlines and letters',
    dockerfile: 'FROM busybox\nRUN touch "/a b" "/c\\"d" "/grüße" && printf "x" > "$(printf "/n\\nl")"\n',
  },
  {
    name: 'many files',
    dockerfile:
      'FROM busybox\nRUN mkdir /m && i=0; while [ $i -lt 300 ]; do echo $i > /m/$i; i=$((i+1)); done\nRUN i=0; while [ $i -lt 300 ]; do rm /m/$i; i=$((i+3)); done\n',
  },

  {
    name: 'names that are not UTF-8',
    dockerfile:
      'FROM busybox\nRUN touch "$(printf "/\\377x")" "$(printf "/a\\200")" && mkdir "$(printf "/d\\300")" && touch "$(printf "/d\\300/f")"\n',
  },
  {
    name: 'trap 54: a folder of the base that is removed and made again in the next layer',
    dockerfile:
      'FROM busybox\nRUN rm -r /home && mkdir /home && echo new > /home/new\nRUN touch /home/more\n',
  },
  {
    name: 'trap 55: links to folders of the base, and what is written through them',
    dockerfile:
      'FROM busybox\nRUN ln -s etc /e && ln -s /etc/group /g && echo x >> /e/made && echo y >> /g\n',
  },
  {
    name: 'trap 53: removed through a link, and a file with the name of a folder below',
    dockerfile:
      'FROM busybox\nRUN mkdir -p /a/b && touch /a/b/c && ln -s a /l\nRUN rm /l/b/c && rm -r /a/b && touch /a/b\n',
  },
  {
    name: 'a chain of stages that change the same files',
    dockerfile:
      'FROM busybox AS a\nRUN echo 1 > /f\nFROM a AS b\nRUN echo 2 >> /f && mkdir /d\nFROM b\nRUN echo 3 >> /f && rmdir /d && touch /d\n',
  },
];
