// The Emmett side of `npm run bench -- ledger`: its SQLite store on a file of its own, which starts empty.
//
// Reads one JSON line {fileName, events: [{type, data}]}, then a line a task: {append: stream, batches, size} appends so
// many batches one after the other, {read: stream} reads one back. Answers each with {events, seconds} as JSON. The
// packages are found from the folder in TRIPOST_EMMETT.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(join(process.env.TRIPOST_EMMETT, 'from-here.js'));
const { getSQLiteEventStore } = require('@event-driven-io/emmett-sqlite');
const { version } = require(
  join(process.env.TRIPOST_EMMETT, 'node_modules/@event-driven-io/emmett-sqlite/package.json'),
);

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
let store;
let sample;
let made = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  if (store === undefined) {
    store = getSQLiteEventStore({ fileName: task.fileName, schema: { autoMigration: 'CreateOrUpdate' } });
    sample = task.events;
    say({ version });
    continue;
  }
  if (task.read !== undefined) {
    const start = performance.now();
    const { events } = await store.readStream(task.read);
    say({ events: events.length, seconds: (performance.now() - start) / 1000 });
    continue;
  }
  const batches = Array.from({ length: task.batches }, () =>
    Array.from({ length: task.size }, () => sample[made++ % sample.length]),
  );
  const start = performance.now();
  let expectedStreamVersion = 'STREAM_DOES_NOT_EXIST';
  for (const batch of batches) {
    const appended = await store.appendToStream(task.append, batch, { expectedStreamVersion });
    expectedStreamVersion = appended.nextExpectedStreamVersion;
  }
  say({ events: task.batches * task.size, seconds: (performance.now() - start) / 1000 });
}
