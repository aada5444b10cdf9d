/** Bytes of the float types that checkpoints hold. */
export const widthOf = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;
export type FloatType = keyof typeof widthOf;

/** The types that are written. */
export type WrittenType = 'F32' | 'BF16';

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The upper half of a float32's bits, rounded to nearest and to even where two are as near; NaN stays NaN. */
const bfloatBits = (bits: number): number => {
  const isNan = (bits & 0x7fffffff) > 0x7f800000;
  return isNan ? (bits >>> 16) | 0x40 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
};

/** Little-endian bytes of float32 numbers as a type: for F32 a view where the machine is little-endian. */
export const bytesOfFloats = (data: Float32Array, type: WrittenType = 'F32'): Uint8Array => {
  const singles = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const written = type === 'F32' ? singles : Uint16Array.from(singles, bfloatBits);
  const bytes = new Uint8Array(written.buffer, written.byteOffset, written.byteLength);
  return littleEndian ? bytes : swapped(bytes, widthOf[type]);
};

const swapped = (bytes: Uint8Array, width: number): Uint8Array => {
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) result[i] = bytes[i - (i % width) + width - 1 - (i % width)] ?? 0;
  return result;
};

/** IEEE 754 half to single, by the bits: every half is a single exactly. */
const singleBitsOfHalf = (half: number): number => {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
};

/**
 * Writes little-endian numbers of a type into `target` as float32: exact but for F64, which is rounded to nearest.
 */
export const readFloats = (bytes: Uint8Array, type: FloatType, target: Float32Array): void => {
  const own = littleEndian ? bytes : swapped(bytes, widthOf[type]);
  if (type === 'F32') {
    new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(own);
    return;
  }
  // A view needs a place that its width divides, which a file does not promise.
  const copy = Uint8Array.from(own).buffer;
  if (type === 'F64') {
    target.set(new Float64Array(copy));
    return;
  }
  const halves = new Uint16Array(copy);
  const single = type === 'BF16' ? (half: number) => half << 16 : singleBitsOfHalf;
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < bits.length; i++) bits[i] = single(halves[i] ?? 0);
};
