import type { ComparedCase } from '../case.ts';

const show = (...words: readonly string[]) => `RUN echo "${words.join('|')}" > /out\n`;

/** ARG, ENV and what their values do. */
export const variableCases: readonly ComparedCase[] = [
  {
    name: 'trap 30: the later of ENV and ARG wins',
    dockerfile: `FROM busybox\nENV A=env\nARG A=arg\nARG B=arg\nENV B=env\n${show('$A', '$B')}LABEL a=$A b=$B\n`,
  },
  {
    name: 'trap 30: an ARG of the command line over an ENV',
    args: ['--build-arg', 'A=given', '--build-arg', 'B=given'],
    dockerfile: `FROM busybox\nENV A=env\nARG A\nARG B\nENV B=\${B:-fallback}\n${show('$A', '$B')}LABEL a=$A b=$B\n`,
  },
  {
    name: 'trap 30: an ARG without a value is not set, an empty one is',
    dockerfile:
      'FROM busybox\nARG X\nARG Y=\nLABEL x="[$X]" y="${Y:-empty}"\nRUN env | grep -E "^[XY]=" > /out\n',
  },
  {
    name: 'trap 31: a global ARG is seen in a stage that asks for it',
    args: ['--build-arg', 'G2=given'],
    dockerfile: `ARG G1=one\nARG G2=two\nARG G3=$G1-three\nFROM busybox\n${show('$G1')}ARG G1\nARG G2\nARG G3=own\n${show('$G1', '$G2', '$G3')}`,
  },
  {
    name: 'trap 31: a --build-arg that nobody asks for',
    args: ['--build-arg', 'NOBODY=x'],
    dockerfile: `FROM busybox\n${show('$NOBODY')}`,
  },
  {
    name: 'trap 31: the image of FROM by a global ARG',
    args: ['--build-arg', 'IMAGE=busybox'],
    dockerfile:
      'ARG IMAGE=nothing-such\nARG STAGE=last\nFROM ${IMAGE}:latest AS first\nRUN echo 1 > /f\nFROM ${IMAGE} AS last\nCOPY --from=first /f /f\n',
  },
  {
    name: 'trap 31: FROM by an ARG without a value',
    dockerfile: 'ARG NOTHING\nFROM $NOTHING\n',
    fails: true,
  },
  {
    name: 'trap 32: ARGs pass to stages on top, not to others',
    dockerfile: `FROM busybox AS a\nARG X=1\nENV E=2\nFROM busybox AS b\n${show('$X', '$E')}FROM a\n${show('$X', '$E')}COPY --from=b /out /b\n`,
  },
  {
    name: 'trap 33: the history of RUN names the ARGs',
    args: ['--build-arg', 'B=given'],
    dockerfile:
      'FROM busybox\nARG A=1\nRUN true\nARG B\nARG C\nRUN true\nARG A=2\nENV A=env\nRUN true && echo $A\nRUN ["true"]\n',
  },
  {
    name: 'trap 33: proxies are not in the history',
    args: ['--build-arg', 'http_proxy=http://127.0.0.1:9', '--build-arg', 'NO_PROXY=x'],
    dockerfile: 'FROM busybox\nRUN env | grep -i proxy | sort > /out\n',
  },
  {
    name: 'trap 33: a proxy that is declared',
    args: ['--build-arg', 'http_proxy=http://127.0.0.1:9'],
    dockerfile: 'FROM busybox\nARG http_proxy\nRUN echo $http_proxy > /out\n',
  },
  {
    name: 'an ENV that is called as a proxy',
    dockerfile:
      'FROM busybox\nENV http_proxy=http://127.0.0.1:1 no_proxy=a\nRUN env | grep proxy | sort > /out\n',
  },
  {
    name: 'platform arguments',
    dockerfile: `FROM busybox AS base-amd64\nFROM busybox AS base-arm64\nFROM base-$TARGETARCH\nARG TARGETPLATFORM\nARG TARGETOS\nARG TARGETARCH\nARG TARGETVARIANT\nARG BUILDPLATFORM\nARG BUILDOS\nARG BUILDARCH\nARG BUILDVARIANT\n${show('$TARGETPLATFORM', '$TARGETOS', '$TARGETARCH', '$TARGETVARIANT', '$BUILDPLATFORM', '$BUILDOS', '$BUILDARCH', '$BUILDVARIANT')}`,
  },
  {
    name: 'platform arguments without a declaration',
    dockerfile: `FROM busybox\n${show('$TARGETPLATFORM', '$BUILDARCH')}`,
  },
  {
    name: 'one line sees what was set before it',
    dockerfile: `FROM busybox\nENV A=hello\nENV A=bye B=$A\nENV C=$A\nLABEL x=$A x2=$B x3=$C\n${show('$A', '$B', '$C')}`,
  },
  {
    name: 'defaults and alternatives',
    dockerfile:
      'FROM busybox\nENV S=set E=\nLABEL a=${S:-d} b=${E:-d} c=${U:-d} d=${S:+alt} e=${E:+alt} f=${U:+alt} g=${U:-${S}x} h="${U:-a b}" i=${S}${S}\n',
  },
  {
    name: 'escapes, quotes and braces',
    dockerfile:
      'FROM busybox\nENV V=v\nENV A=\\$V B=\\\\$V C="\\$V" D=\'$V\' E="a\\"b" F=a\\ b G="$V"\'$V\'"$V" H=${V}s I=$Vs J=a=b\n',
  },
  {
    name: 'ENV in the old form',
    dockerfile: 'FROM busybox\nENV NAME a value with  blanks and "quotes" $HOME\nENV EQUAL a=b\n',
  },
  {
    name: 'variables in every instruction that takes them',
    files: { f: 'f' },
    dockerfile:
      'FROM busybox\nENV D=/dir F=f P=81 U=app S=SIGINT W=work\nCOPY $F $D/\nADD ${F} ${D}/g\nEXPOSE $P\nVOLUME $D/vol\nWORKDIR $D/$W\nSTOPSIGNAL $S\nUSER $U\nLABEL $F=$D\nCMD ["$F", "$D"]\nENTRYPOINT echo $F\n',
  },
  { name: 'a name that is none', dockerfile: 'FROM busybox\nENV =x\n', fails: true },
  {
    name: '${v:?} stops where nothing is set',
    dockerfile: 'FROM busybox\nENV A=${NONE:?is needed}\n',
    fails: true,
  },

  {
    name: 'an ARG with quotes, blanks and other variables',
    dockerfile: `FROM busybox\nENV E=env\nARG A="a b"\nARG B='$E'\nARG C=$E-$A\nARG D="$C"\\ x\n${show('$A', '$B', '$C', '$D')}LABEL a=$A b=$B c=$C d="$D"\n`,
  },
  {
    name: 'a --build-arg with blanks, dollars and quotes',
    args: ['--build-arg', 'A=a b $HOME "q" \'r\' \\x'],
    dockerfile: 'FROM busybox\nARG A\nENV B=$A\nLABEL c="$A" d=${A}\nRUN echo "$A" > /out\n',
  },
  {
    name: 'an empty --build-arg',
    args: ['--build-arg', 'A='],
    dockerfile: 'FROM busybox\nARG A=default\nLABEL a="[$A]" b=${A:-was-empty}\nRUN echo "[$A]" > /out\n',
  },
  {
    name: 'values with newlines, tabs and letters of the world',
    dockerfile:
      'FROM busybox\nENV A="tab\there" B="grüße 日本" C="a\\nb" D=a\\tb\nLABEL e=$B\nRUN env | grep -E "^[A-D]=" > /out\n',
  },
  {
    name: 'ENV after RUN is not seen before it',
    dockerfile:
      'FROM busybox\nRUN echo "[$A]" > /1\nENV A=1\nRUN echo "[$A]" > /2\nENV A=\nRUN echo "[${A-unset}]" > /3\n',
  },
];
