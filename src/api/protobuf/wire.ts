/* The wire format of Protocol Buffers (protobuf.dev, "Encoding"), as far as reading needs it. */

export interface WireField {
  readonly number: number;
  /** A whole number, or the bytes of a text, of a message, or of a fixed-size number. */
  readonly value: bigint | Uint8Array;
}

function malformed(why: string): Error {
  return new RangeError(`malformed protobuf: ${why}`);
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw malformed('a number is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw malformed('a number is too long');
  }

  take(length: bigint): Uint8Array {
    if (length < 0n || length > BigInt(this.#bytes.length - this.#at)) throw malformed('a field is cut off');
    const start = this.#at;
    this.#at += Number(length);
    return this.#bytes.subarray(start, this.#at);
  }
}

/** The fields of a message in their order. @throws RangeError where the bytes are no message */
export function* readFields(bytes: Uint8Array): Generator<WireField> {
  const reader = new Reader(bytes);
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const number = Number(tag >> 3n);
    switch (tag & 7n) {
      case 0n:
        yield { number, value: reader.varint() };
        break;
      case 1n:
        yield { number, value: reader.take(8n) };
        break;
      case 2n:
        yield { number, value: reader.take(reader.varint()) };
        break;
      case 5n:
        yield { number, value: reader.take(4n) };
        break;
      default:
        throw malformed(`field ${number} has wire type ${tag & 7n}`);
    }
  }
}
