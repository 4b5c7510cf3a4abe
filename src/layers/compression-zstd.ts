import { HawserError } from '../errors/hawser-error.ts';
import { libraryFunctions } from '../util/syscalls.ts';
import { defaultLevels } from './compression-levels.ts';

/* RFC 8878, through the system's libzstd: docs/decisions/0008-zstd-from-the-system.md */

type Call = NonNullable<ReturnType<NonNullable<ReturnType<typeof libraryFunctions>>>>;

interface Library {
  readonly createDecompressor: Call;
  readonly freeDecompressor: Call;
  readonly decompress: Call;
  readonly createCompressor: Call;
  readonly freeCompressor: Call;
  readonly setParameter: Call;
  readonly compress: Call;
  readonly isError: Call;
  readonly errorName: Call;
}

const chunkSize = 1024 * 1024;
/** ZSTD_cParameter */
const parameters = { level: 100, checksum: 201 } as const;
/** ZSTD_EndDirective */
const directives = { continue: 0, end: 2 } as const;

let library: Library | undefined;

function loadLibrary(): Library {
  if (library !== undefined) return library;
  const bind = libraryFunctions('libzstd.so.1');
  if (bind === undefined) {
    throw new HawserError('REQUIREMENT_MISSING', 'libzstd.so.1 is not installed, and zstd layers need it', {
      remedy: 'Install it, on Debian: apt-get install libzstd1.',
    });
  }
  library = {
    createDecompressor: bind('void *ZSTD_createDCtx()'),
    freeDecompressor: bind('size_t ZSTD_freeDCtx(void *context)'),
    decompress: bind(
      'size_t ZSTD_decompressStream_simpleArgs(void *context, void *target, size_t size, void *written, void *source, size_t length, void *read)',
    ),
    createCompressor: bind('void *ZSTD_createCCtx()'),
    freeCompressor: bind('size_t ZSTD_freeCCtx(void *context)'),
    setParameter: bind('size_t ZSTD_CCtx_setParameter(void *context, int parameter, int value)'),
    compress: bind(
      'size_t ZSTD_compressStream2_simpleArgs(void *context, void *target, size_t size, void *written, void *source, size_t length, void *read, int directive)',
    ),
    isError: bind('unsigned int ZSTD_isError(size_t code)'),
    errorName: bind('const char *ZSTD_getErrorName(size_t code)'),
  };
  return library;
}

/** One step of a stream: a call in the thread pool, over a piece of input and a fresh piece of output. */
interface Step {
  /** What libzstd returned: how much it still wants or has; 0 at the end of a frame. */
  readonly left: number;
  readonly output: Buffer;
  /** Bytes of the input that are done. */
  readonly read: number;
}

async function step(call: Call, context: unknown, input: Uint8Array, directive?: number): Promise<Step> {
  const output = Buffer.allocUnsafeSlow(chunkSize);
  const positions = Buffer.alloc(16);
  const [written, read] = [positions.subarray(0, 8), positions.subarray(8)];
  const last = directive === undefined ? [] : [directive];
  const args = [context, output, output.length, written, input, input.length, read, ...last];
  const code = await new Promise<number | bigint>((resolve, reject) => {
    call.async(...args, (error: unknown, result: number | bigint) =>
      error ? reject(error) : resolve(result),
    );
  });
  const { isError, errorName } = loadLibrary();
  if (isError(code) !== 0) {
    throw new HawserError('COMPRESSION_INVALID', `the zstd data is broken: ${String(errorName(code))}`);
  }
  const length = Number(written.readBigUInt64LE());
  return { left: Number(code), output: output.subarray(0, length), read: Number(read.readBigUInt64LE()) };
}

/** The steps over a stream, each begun before the one ahead of it is used, so that both run at once. */
async function* ahead(steps: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let next = steps.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done === true) return;
      next = steps.next();
      next.catch(() => undefined); // awaited in the next round
      yield value;
    }
  } finally {
    await steps.return(undefined);
  }
}

async function* decompressSteps(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { createDecompressor, freeDecompressor, decompress } = loadLibrary();
  const context: unknown = createDecompressor();
  let isWhole = true;
  try {
    for await (const chunk of source) {
      let rest = chunk;
      let isFull = false;
      while (rest.length > 0 || isFull) {
        const done = await step(decompress, context, rest);
        if (done.output.length > 0) yield done.output;
        isWhole = done.left === 0;
        isFull = done.output.length === chunkSize && !isWhole;
        rest = rest.subarray(done.read);
      }
    }
  } finally {
    freeDecompressor(context);
  }
  if (!isWhole) throw new HawserError('COMPRESSION_INVALID', 'the zstd data ends in the middle');
}

/** The content of one or several frames. @throws HawserError COMPRESSION_INVALID, REQUIREMENT_MISSING */
export function unzstd(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return ahead(decompressSteps(source));
}

async function* compressSteps(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  level: number,
): AsyncGenerator<Uint8Array> {
  const { createCompressor, freeCompressor, setParameter, compress } = loadLibrary();
  const context: unknown = createCompressor();
  setParameter(context, parameters.level, level);
  setParameter(context, parameters.checksum, 1);
  try {
    for await (const chunk of source) {
      for (let rest = chunk; rest.length > 0; ) {
        const done = await step(compress, context, rest, directives.continue);
        if (done.output.length > 0) yield done.output;
        rest = rest.subarray(done.read);
      }
    }
    for (let left = 1; left > 0; ) {
      const done = await step(compress, context, new Uint8Array(1).subarray(1), directives.end);
      if (done.output.length > 0) yield done.output;
      left = done.left;
    }
  } finally {
    freeCompressor(context);
  }
}

async function* piecesOf(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* source;
}

/** One frame with a checksum. The next piece of the source is asked for while one is compressed. @throws HawserError INVALID_ARGUMENT, REQUIREMENT_MISSING */
export function zstd(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: { readonly level?: number | undefined },
): AsyncIterable<Uint8Array> {
  const { level = defaultLevels.zstd } = options;
  if (!Number.isInteger(level) || level < 1 || level > 19) {
    throw new HawserError('INVALID_ARGUMENT', `zstd has no level ${level}`, { remedy: 'Use 1 to 19.' });
  }
  return ahead(compressSteps(ahead(piecesOf(source)), level));
}
