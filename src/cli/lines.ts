import { StringDecoder } from 'node:string_decoder';

/** A line longer than this many characters is not kept whole: a pipe may send anything. */
const longest = 8 * 1024 * 1024;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Undefined: it was longer than a line may be. */
  readonly text: string | undefined;
}

/** The lines of a byte stream, one at a time: the next chunk is asked for when the last line has been dealt with. */
export const linesOf = async function* (input: AsyncIterable<Buffer | string>): AsyncGenerator<Line> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let tooLong = false;
  let number = 0;
  const finish = (text: string): Line => {
    const line = { number: ++number, text: tooLong || text.length > longest ? undefined : text.replace(/\r$/, '') };
    tooLong = false;
    return line;
  };
  for await (const chunk of input) {
    rest += typeof chunk === 'string' ? chunk : decoder.write(chunk);
    let from = 0;
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n', from)) {
      yield finish(rest.slice(from, at));
      from = at + 1;
    }
    rest = rest.slice(from);
    if (rest.length > longest) {
      tooLong = true;
      rest = '';
    }
  }
  rest += decoder.end();
  if (rest !== '' || tooLong) yield finish(rest);
};
