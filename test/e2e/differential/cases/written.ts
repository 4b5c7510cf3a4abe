import { tarEntry } from '../../../../src/tar/entry.ts';
import { tarItem } from '../../../../src/tar/writer.ts';
import { byteString } from '../../../../src/util/byte-string.ts';
import type { BuildCase } from '../case.ts';

/** A case that Debian's BuildKit is too old for: what BuildKit of today makes of it is written down. */
export interface WrittenCase extends BuildCase {
  /** Of the last layer, e.g. `directory 755 0:0 x` and `file 644 0:0 x/f`. */
  readonly layer?: readonly string[];
  /** Contents of files of the image by path. */
  readonly contents?: Readonly<Record<string, string>>;
  /** Some fields of the config. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The last entries of the history. */
  readonly history?: readonly string[];
  /** It is refused, with this in what it says. */
  readonly fails?: string;
}

const tree = { 'd/a.txt': 'a', 'd/b.md': 'b', 'd/e/c.txt': 'c', 'd/e/f/g.md': 'g', top: 't' };
const zstd = [tarItem(tarEntry({ type: 'file', name: byteString('in') }), Buffer.from('z'))];

export const writtenCases: readonly WrittenCase[] = [
  // here-documents
  {
    name: 'RUN <<EOF is the text of the shell',
    dockerfile: 'FROM busybox\nRUN <<EOF\necho one > /out\necho "$0 $HOME" >> /out\nEOF\n',
    contents: { out: 'one\n/bin/sh /root\n' },
    history: ['RUN /bin/sh -c echo one > /out\necho "$0 $HOME" >> /out\n # buildkit'],
  },
  {
    name: 'RUN <<EOF with the shell of SHELL',
    dockerfile: 'FROM busybox\nSHELL ["/bin/busybox", "sh", "-c"]\nRUN <<EOF\necho $0 > /out\nEOF\n',
    contents: { out: 'sh\n' },
  },
  {
    name: 'RUN <<-EOF drops leading tabs',
    dockerfile: 'FROM busybox\nRUN <<-EOF\n\t\techo "\tx" > /out\n\techo y >> /out\n\tEOF\n',
    contents: { out: '\tx\ny\n' },
  },
  {
    name: 'RUN <<EOF with #! is a program, which the shell starts',
    dockerfile:
      'FROM busybox\nRUN <<EOF\n#!/bin/busybox sh\necho "$0" > /out\nls -l /dev/pipes | grep -c EOF >> /out\nEOF\n',
    contents: { out: '/dev/pipes/EOF\n1\n' },
    layer: ['file 644 0:0 out'],
    history: ['RUN /bin/sh -c /dev/pipes/EOF # buildkit'],
  },
  {
    name: 'RUN with words before and after a here-document',
    dockerfile: 'FROM busybox\nENV V=v\nRUN cat <<ONE > /1 && cat <<"TWO" > /2\na $V\nONE\nb $V\nTWO\n',
    contents: { 1: 'a v\n', 2: 'b $V\n' },
  },
  {
    name: 'RUN with a here-document of another descriptor',
    dockerfile: 'FROM busybox\nRUN 3<<EOF cat /proc/self/fd/3 > /out\nthree\nEOF\n',
    contents: { out: 'three\n' },
  },
  {
    name: 'RUN with two here-documents for one command',
    dockerfile: 'FROM busybox\nRUN <<A cat - /dev/fd/3 3<<B > /out\na\nA\nb\nB\n',
    contents: { out: 'a\nb\n' },
  },
  {
    name: 'RUN <<EOF with a mount',
    files: { f: 'f' },
    dockerfile: 'FROM busybox\nRUN --mount=source=f,target=/m <<EOF\ncat /m > /out\nEOF\n',
    contents: { out: 'f' },
    layer: ['file 644 0:0 out'],
  },
  {
    name: 'trap 75: << that is an operator of the shell',
    dockerfile: 'FROM busybox\nRUN echo $((1 << 2))\n',
    fails: 'unterminated heredoc',
  },
  {
    name: 'trap 77: a here-document without its end',
    dockerfile: 'FROM busybox\nRUN <<EOF\necho\n EOF\n',
    fails: 'unterminated heredoc',
  },
  {
    name: 'COPY <<EOF makes files, with values unless quoted',
    dockerfile:
      'FROM scratch\nARG V=v\nCOPY <<one <<"two" <<-three /x/\na $V \\$V "q"\none\nb $V\ntwo\n\t\tc ${V}\n\tthree\n',
    contents: { 'x/one': 'a v $V "q"\n', 'x/two': 'b $V\n', 'x/three': 'c v\n' },
    layer: ['directory 755 0:0 x', 'file 644 0:0 x/one', 'file 644 0:0 x/three', 'file 644 0:0 x/two'],
    history: ['COPY <<one <<two <<three /x/ # buildkit'],
  },
  {
    name: 'COPY <<EOF to a path, with owner and mode, beside a file',
    files: { f: 'f' },
    dockerfile: 'FROM scratch\nCOPY --chown=3:4 --chmod=600 <<EOF /x\nt\nEOF\nCOPY f <<EOF /y/\nt\nEOF\n',
    contents: { x: 't\n', 'y/EOF': 't\n', 'y/f': 'f' },
    layer: ['directory 755 0:0 y', 'file 644 0:0 y/EOF', 'file 644 0:0 y/f'],
  },
  {
    name: 'ADD <<EOF is no archive',
    dockerfile: 'FROM scratch\nADD <<EOF /x\nt\nEOF\n',
    contents: { x: 't\n' },
  },
  {
    name: 'trap 45: ONBUILD with a here-document, from an image and from a stage',
    parent: 'FROM busybox\nONBUILD RUN <<EOF\necho one > /1\nEOF\nONBUILD COPY <<EOF /2\n$HOME\nEOF\n',
    dockerfile: 'FROM PARENT AS a\nENV HOME=later\nONBUILD COPY <<"EOF" /3\n$HOME\nEOF\nFROM a\n',
    contents: { 1: 'one\n', 2: '\n', 3: '$HOME\n' },
  },
  {
    name: 'trap 45: ONBUILD COPY --from needs a stage that nothing else does',
    parent: 'FROM busybox\nONBUILD COPY --from=tools /tool /tool\n',
    dockerfile: 'FROM busybox AS tools\nRUN echo tool > /tool\nFROM PARENT\nRUN cat /tool > /out\n',
    contents: { out: 'tool\n' },
  },
  // COPY and ADD
  {
    name: 'trap 23: COPY --parents',
    files: tree,
    dockerfile: 'FROM scratch\nCOPY --parents d/e/c.txt /x/\n',
    layer: [
      'directory 755 0:0 x',
      'directory 755 0:0 x/d',
      'directory 755 0:0 x/d/e',
      'file 644 0:0 x/d/e/c.txt',
    ],
    history: ['COPY --parents d/e/c.txt /x/ # buildkit'],
  },
  {
    name: 'trap 23: COPY --parents from a pivot, with **',
    files: tree,
    dockerfile: 'FROM scratch\nCOPY --parents ./d/./**/*.md /x/\n',
    layer: [
      'directory 755 0:0 x',
      'file 644 0:0 x/b.md',
      'directory 755 0:0 x/e',
      'directory 755 0:0 x/e/f',
      'file 644 0:0 x/e/f/g.md',
    ],
  },
  {
    name: 'trap 22: COPY --exclude, with an exception',
    files: tree,
    dockerfile: 'FROM scratch\nCOPY --exclude=**/*.md --exclude=e/* --exclude=!e/c.txt d /x/\n',
    layer: ['directory 755 0:0 x', 'file 644 0:0 x/a.txt', 'directory 755 0:0 x/e', 'file 644 0:0 x/e/c.txt'],
  },
  {
    name: 'trap 12: COPY --link replaces links by folders',
    files: tree,
    dockerfile: 'FROM busybox\nRUN mkdir -m 700 /real && ln -s real /l\nCOPY --link top /l/\n',
    layer: ['directory 755 0:0 l', 'file 644 0:0 l/top'],
  },
  {
    name: 'COPY --chmod by letters',
    files: { 'd/f': { content: '', mode: 0o640 }, 'd/x': { content: '', mode: 0o744 } },
    dockerfile: 'FROM scratch\nCOPY --chmod=u=rw,go=r,a+X d /x/\n',
    layer: ['directory 755 0:0 x', 'file 644 0:0 x/f', 'file 755 0:0 x/x'],
  },
  {
    name: 'trap 25: an archive that zstd made',
    files: { a: { archive: zstd, compress: 'zstd' } },
    dockerfile: 'FROM scratch\nADD a /x/\n',
    contents: { 'x/in': 'z' },
  },
  // RUN
  {
    name: 'RUN --network=none',
    dockerfile: 'FROM busybox\nRUN --network=none ip -o link | wc -l > /out\n',
    contents: { out: '1\n' },
  },
  {
    name: 'RUN --security=insecure that was not allowed',
    dockerfile: 'FROM busybox\nRUN --security=insecure true\n',
    fails: 'security.insecure is not allowed',
  },
  {
    name: 'RUN --security=insecure that was allowed',
    args: ['--allow', 'security.insecure'],
    dockerfile: 'FROM busybox\nRUN --security=insecure mount -t tmpfs t /tmp && echo mounted > /out\n',
    contents: { out: 'mounted\n' },
    layer: ['file 644 0:0 out'],
  },
  {
    name: 'RUN --device that is required',
    dockerfile: 'FROM busybox\nRUN --device=vendor/gpu=0,required true\n',
    fails: 'build steps get no devices',
  },
  {
    name: 'RUN --device that need not be there',
    dockerfile: 'FROM busybox\nRUN --device=vendor/gpu=0 touch /out\n',
    layer: ['file 644 0:0 out'],
  },
  {
    name: 'trap 50: a secret in a variable',
    files: { key: 'hidden' },
    args: ['--secret', 'id=key,src=CONTEXT/key', '--secret', 'id=HOME'],
    dockerfile:
      'FROM busybox\nRUN --mount=type=secret,id=key,env=KEY --mount=type=secret,id=HOME,target=/h,env=H echo ${#KEY} > /out; ls /run/secrets /h 2>/dev/null >> /out; true\n',
    contents: { out: '6\n/h\n' },
    history: ['RUN /bin/sh -c echo ${#KEY} > /out; ls /run/secrets /h 2>/dev/null >> /out; true # buildkit'],
  },
  {
    name: 'RUN --mount with variables',
    files: { 'd/f': 'f' },
    dockerfile: 'FROM busybox\nARG dir=d\nENV to=/m\nRUN --mount=source=$dir,target=${to} cat /m/f > /out\n',
    contents: { out: 'f' },
  },
  {
    name: 'RUN --mount=from with a variable',
    dockerfile: 'FROM busybox\nARG s=busybox\nRUN --mount=from=$s,target=/m true\n',
    fails: "'from' doesn't support variable expansion",
  },
  // variables and configuration
  {
    name: 'trap 30: forms without a colon',
    dockerfile:
      'FROM scratch\nARG X\nARG Y=\nLABEL a=${X-unset} b=${Y-unset} c=${Y:-empty} d=${X+set} e=${Y+set}\nCOPY Dockerfile /\n',
    config: { Labels: { a: 'unset', b: '', c: 'empty', d: '', e: 'set' } },
  },
  {
    name: 'patterns in values',
    dockerfile:
      'FROM scratch\nENV F=a.tar.gz P=/a/b/c\nLABEL a=${F%.*} b=${F%%.*} c=${P#*/} d=${P##*/} e=${F/a/x} f=${P//\\//-}\nCOPY Dockerfile /\n',
    config: { Labels: { a: 'a.tar', b: 'a', c: 'a/b/c', d: 'c', e: 'x.tar.gz', f: '-a-b-c' } },
  },
  {
    name: 'an ARG sees those before it on its line',
    dockerfile: 'FROM scratch\nARG A=1 B=$A-2\nLABEL b=$B\nCOPY Dockerfile /\n',
    config: { Labels: { b: '1-2' } },
  },
  {
    name: 'a global ARG without a value leaves a platform argument as it is',
    dockerfile:
      'ARG TARGETARCH\nFROM busybox AS base-amd64\nFROM busybox AS base-arm64\nFROM base-$TARGETARCH\nARG TARGETSTAGE\nLABEL stage=$TARGETSTAGE\n',
    config: { Labels: { stage: 'default' } },
  },
  {
    name: 'trap 43: HEALTHCHECK with a start interval and zeros',
    dockerfile:
      'FROM busybox\nHEALTHCHECK --interval=0s --start-interval=2s --start-period=1m --retries=0 CMD x\n',
    config: { Healthcheck: { Test: ['CMD-SHELL', 'x'], StartPeriod: 60e9, StartInterval: 2e9 } },
    history: ['HEALTHCHECK &{["CMD-SHELL" "x"] "0s" "0s" "1m0s" "2s" \'\\x00\'}'],
  },
  {
    name: 'trap 32: ARGs of the stage below are in the history',
    dockerfile: 'FROM busybox AS a\nARG X=1\nFROM a\nARG Y=2\nRUN true\n',
    history: ['RUN |2 X=1 Y=2 /bin/sh -c true # buildkit'],
  },
  {
    name: 'trap 33: an ARG that is declared twice is in the history once',
    dockerfile: 'FROM busybox\nARG A=1 B\nARG A=2\nENV A=env\nRUN true\n',
    history: ['RUN |2 A=env B= /bin/sh -c true # buildkit'],
  },
  {
    name: 'SOURCE_DATE_EPOCH as a build argument',
    args: ['--build-arg', 'SOURCE_DATE_EPOCH=1000000000'],
    dockerfile: 'FROM busybox\nARG SOURCE_DATE_EPOCH\nRUN echo $SOURCE_DATE_EPOCH > /out\n',
    contents: { out: '1000000000\n' },
  },
  {
    name: 'trap 79: a stage name in the wrong case after FROM',
    dockerfile: 'FROM busybox AS One\nFROM One\n',
    fails: 'repository name must be lowercase',
  },
  {
    name: '--target does not take numbers',
    args: ['--target', '0'],
    dockerfile: 'FROM busybox AS a\nFROM busybox\n',
    fails: 'target stage "0" could not be found',
  },
  {
    name: 'RUN --mount=from does not take numbers',
    dockerfile: 'FROM busybox\nFROM busybox\nRUN --mount=from=0,target=/m true\n',
    fails: '0',
  },
  {
    name: 'trap 80: scratch as a source',
    dockerfile: 'FROM busybox\nRUN --mount=from=scratch,target=/m ls /m | wc -l > /out\n',
    contents: { out: '0\n' },
  },
];
