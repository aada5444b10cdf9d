import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { capabilities } from '../src/adapters/kurrentdb/eventLog';
import { packageRoot } from '../src/cli/packageRoot';

/**
 * Every case of the event log's contract on every adapter, as a table: pass, declared (the case passes in the form that
 * the adapter's declared difference gives it), FAIL, or skipped. A real server is asked where KURRENTDB_URL is set.
 *
 * Usage: npm run contracts; exits 1 when a case fails.
 */
interface Case {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}
interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly Case[]; readonly message: string }[];
}

const suites = ['memoryEventLog', 'sqliteEventLog', 'kurrentdbEventLog', 'kurrentdbMirror'];
const contract = 'EventLog contract: ';
const adapters = [
  'memory',
  'sqlite',
  'KurrentDB, loopback server',
  'KurrentDB through a mirror, loopback server',
  'KurrentDB, real server',
] as const;
const headings = ['memory', 'SQLite', 'KurrentDB\nloopback', 'loopback,\nmirrored', 'KurrentDB\nreal server'];
const why = 'set KURRENTDB_URL';

const runJest = (): Report => {
  const folder = mkdtempSync(join(tmpdir(), 'tripost-contracts-'));
  try {
    const output = join(folder, 'report.json');
    const jest = join(packageRoot, 'node_modules', 'jest', 'bin', 'jest.js');
    const files = suites.map((suite) => join('test', 'adapters', `${suite}.test.ts`));
    const args = [jest, '--json', `--outputFile=${output}`, '--silent', ...files];
    spawnSync(process.execPath, args, { cwd: packageRoot, stdio: ['ignore', 'ignore', 'inherit'] });
    return JSON.parse(readFileSync(output, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** One row a case, one cell an adapter. */
const tableOf = (report: Report) => {
  const rows = new Map<string, Map<string, string>>();
  const declared: string[] = [];
  for (const { ancestorTitles, title, status } of report.testResults.flatMap((file) => file.assertionResults)) {
    const [first = '', group = ''] = ancestorTitles;
    if (!first.startsWith(contract) || status === 'pending') continue;
    const [name = title, difference] = title.split(/ \(declared: |\)$/);
    const adapter = first.slice(contract.length);
    if (difference !== undefined) declared.push(`${adapter}: ${difference}`);
    const key = `${group}: ${name}`;
    const cells = rows.get(key) ?? new Map<string, string>();
    cells.set(adapter, status !== 'passed' ? 'FAIL' : difference === undefined ? 'pass' : 'declared');
    rows.set(key, cells);
  }
  return { rows, declared };
};

const print = (): boolean => {
  const report = runJest();
  const broken = report.testResults.filter((file) => file.assertionResults.length === 0).map((file) => file.message);
  const { rows, declared } = tableOf(report);
  const real = [...rows.values()].some((cells) => cells.has('KurrentDB, real server'));
  const table = new Table({
    head: ['case', ...headings],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    colWidths: [70],
    wordWrap: true,
  });
  let ok = broken.length === 0;
  for (const [name, cells] of rows) {
    const values = adapters.map(
      (adapter) => cells.get(adapter) ?? (adapter === adapters[4] && !real ? 'skipped' : 'FAIL'),
    );
    if (values.includes('FAIL')) ok = false;
    table.push([name, ...values]);
  }
  console.log(table.toString());
  console.log(
    `${rows.size} cases. ${real ? 'The real server is that of KURRENTDB_URL.' : `Real server: skipped: ${why}.`}`,
  );
  for (const line of declared) console.log(`declared: ${line}`);
  const differences = Object.entries(capabilities).map(([name, value]) => `${name} ${value}`);
  console.log(`KurrentDB declares (src/adapters/kurrentdb/eventLog.ts): ${differences.join(', ')}`);
  for (const message of broken) console.log(message);
  return ok && rows.size > 0;
};

process.exitCode = print() ? 0 : 1;
