/**
 * The source of a process that appends to a ledger until it is killed. It prints a line for every batch that was
 * acknowledged: stream, batch size, ids. Run with `node -e`, against the compiled sources.
 */
export const appendingChild = (dist: string, path: string, round: number): string => `
const { writeSync } = require('node:fs');
const { openSqliteLog } = require(${JSON.stringify(`${dist}/src/adapters/sqlite/eventLog.js`)});
const { contentId } = require(${JSON.stringify(`${dist}/events/digest.js`)});
const options = { path: ${JSON.stringify(path)}, mode: 'write', now: () => new Date().toISOString() };
openSqliteLog(options)().then(async (opened) => {
  if (opened._tag === 'Left') { writeSync(2, JSON.stringify(opened.left)); process.exit(3); }
  const log = opened.right;
  writeSync(1, 'ready\\n');
  const worker = async (w) => {
    for (let i = 0; ; i++) {
      const stream = 'r${round}-w' + w + '-' + (i >> 3);
      const size = 1 + ((i + w) % 5);
      const events = Array.from({ length: size }, (_, k) => {
        const name = [${round}, w, i, k];
        return { id: contentId(name), type: 'Noted', version: 1, data: { batch: [w, i], size, text: 'x'.repeat(300) }, meta: {} };
      });
      const appended = await log.append(stream, await log.streamHead(stream), events)();
      if (appended._tag === 'Left') { writeSync(2, JSON.stringify(appended.left)); process.exit(4); }
      writeSync(1, events.map((event) => event.id).join(' ') + '\\n');
    }
  };
  for (let w = 0; w < 8; w++) worker(w);
});
`;
