import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'msedge'];

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** A browser with Chromium's command line: TRIPOST_BROWSER, or the first found in PATH; undefined where there is none. */
export const findBrowser = (): string | undefined => {
  const named = process.env['TRIPOST_BROWSER'];
  if (named !== undefined && named !== '') return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
};

/** Runs a browser without a window on a page, in a folder of its own, with no network, and gives what it printed. */
const browse = (
  browser: string,
  page: string,
  flags: (folder: string) => readonly string[],
): { readonly out: string; readonly shot: () => Buffer } => {
  const folder = mkdtempSync(join(tmpdir(), 'tripost-browser-'));
  try {
    const file = join(folder, 'page.html');
    writeFileSync(file, page);
    // The sandbox needs rights that containers and root do not have; the page is our own.
    const always = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--hide-scrollbars',
      '--host-resolver-rules=MAP * ~NOTFOUND',
    ];
    const out = execFileSync(
      browser,
      [...always, `--user-data-dir=${join(folder, 'profile')}`, ...flags(folder), `file://${file}`],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 100_000,
      },
    );
    const made = join(folder, 'shot.png');
    let shot: Buffer | undefined;
    try {
      shot = readFileSync(made);
    } catch {
      // There is a picture only where one was asked for.
    }
    return {
      out,
      shot: () => {
        if (shot === undefined) throw new Error('the browser made no picture');
        return shot;
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** The document of a page after its scripts have run, as HTML. */
export const domOf = (browser: string, page: string, width: number): string =>
  browse(browser, page, () => ['--dump-dom', `--window-size=${width},900`]).out;

/** A picture of a page, as PNG. */
export const screenshotOf = (browser: string, page: string, width: number, height: number): Buffer =>
  browse(browser, page, (folder) => [
    `--window-size=${width},${height}`,
    `--screenshot=${join(folder, 'shot.png')}`,
  ]).shot();
