/** GPT-2's printable stand-in for each byte: what byte-level vocabularies are written in. */
const charOfByte: readonly string[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const byteOfChar: ReadonlyMap<string, number> = new Map(charOfByte.map((char, byte) => [char, byte]));

/** The stand-ins of the 256 bytes, in byte order. */
export const byteTokens = charOfByte;

/** Text as a byte-level vocabulary spells it: its UTF-8 bytes, each as its stand-in. */
export const spellBytes = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => charOfByte[byte] ?? '').join('');

/** The bytes that a vocabulary entry spells, or undefined if it has a character that stands for no byte. */
export const bytesOfSpelling = (token: string): Uint8Array | undefined => {
  const bytes = Array.from(token, (char) => byteOfChar.get(char));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : undefined;
};

/** The tokens of the 256 bytes in a vocabulary that is spelled in characters, in byte order: `<0x00>` … `<0xFF>`. */
export const fallbackTokens: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
);

export const fallbackBytes: ReadonlyMap<string, number> = new Map(fallbackTokens.map((token, byte) => [token, byte]));
