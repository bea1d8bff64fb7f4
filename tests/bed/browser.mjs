// One browser, driven over stdio: a JSON command a line in, a JSON answer or event a line out.
//   in   {id, command, page?, …arguments}         out  {id, value} | {id, error} | {event, page, …}
// The browser ends when stdin ends, on SIGTERM, and (through the launcher script) when this process is killed.
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import puppeteer from 'puppeteer-core';
import { pageCommands } from './page_commands.mjs';
import { workerCommands } from './worker_commands.mjs';

const say = (message) => process.stdout.write(JSON.stringify(message) + '\n');

class Session {
  pages = new Map();
  contexts = new Map();
  offline = false;

  async launch({ browser, executable, profile, args, preferences, timeout_ms }) {
    const firefox = browser === 'firefox';
    this.name = browser;
    this.browser = await puppeteer.launch({
      browser,
      executablePath: executable,
      userDataDir: profile,
      headless: true,
      args,
      timeout: timeout_ms,
      protocolTimeout: timeout_ms,
      defaultViewport: null,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      ...(firefox ? { extraPrefsFirefox: preferences } : { pipe: true }),
    });
    return { version: await this.browser.version(), pid: this.browser.process().pid };
  }

  // An isolated context has its own cookies, storage and service workers: another person at the same browser.
  async newPage({ context, viewport, java_script }) {
    const page = await (await this.context(context)).newPage();
    const id = this.take(page);
    this.front = page;
    if (viewport) await page.setViewport(viewport);
    page.scriptsOff = java_script === false;
    if (page.scriptsOff) await page.setJavaScriptEnabled(false);
    return id;
  }

  async context(name) {
    if (!name) return this.browser.defaultBrowserContext();
    if (!this.contexts.has(name)) this.contexts.set(name, await this.browser.createBrowserContext());
    return this.contexts.get(name);
  }

  // A tab the test did not open: by a link, window.open or a service worker.
  async adoptPage({ containing, timeout_ms }) {
    for (const end = Date.now() + timeout_ms; ; await pause(40)) {
      const known = new Set(this.pages.values());
      const found = (await this.browser.pages()).find((page) => !known.has(page) && page.url().includes(containing));
      if (found) return this.take(found);
      if (Date.now() > end) throw new Error(`no new tab with ${containing} in its address after ${timeout_ms} ms`);
    }
  }

  take(page) {
    const id = `p${this.pages.size + 1}`;
    this.pages.set(id, page);
    this.listen(id, page);
    return id;
  }

  listen(id, page) {
    page.report = (kind, text) => say({ event: 'console', page: id, kind, text });
    page.on('console', (entry) => page.report(entry.type(), entry.text()));
    page.on('pageerror', (error) => page.report('pageerror', String(error?.stack ?? error)));
    page.on('dialog', async (dialog) => {
      say({ event: 'dialog', page: id, kind: dialog.type(), text: dialog.message() });
      await (page.dismissDialogs ? dialog.dismiss() : dialog.accept()).catch(() => {});
    });
  }

  async close() {
    await this.browser?.close();
    return null;
  }
}

const session = new Session();
const browserCommands = {
  launch: (args) => session.launch(args),
  newPage: (args) => session.newPage(args),
  adoptPage: (args) => session.adoptPage(args),
  close: () => session.close(),
};

async function run(request) {
  const page = request.page === undefined ? undefined : session.pages.get(request.page);
  const own = browserCommands[request.command];
  if (own) return own(request);
  const command = pageCommands[request.command] ?? workerCommands[request.command];
  if (!command) throw new Error(`no such command: ${request.command}`);
  if (!page) throw new Error(`no such page: ${request.page}`);
  return command(page, request, session);
}

async function answer(line) {
  const request = JSON.parse(line);
  try {
    const value = await run(request);
    say({ id: request.id, value: value === undefined ? null : value });
  } catch (error) {
    const where = session.pages.get(request.page)?.url() ?? '';
    say({ id: request.id, error: `${error?.message ?? error}${where ? ` (at ${where})` : ''}` });
  }
}

async function end() {
  setTimeout(() => process.exit(1), 5000).unref();
  await session.close().catch(() => {});
  process.exit(0);
}

process.on('SIGTERM', end);
process.on('unhandledRejection', (error) => process.stderr.write(`unhandled: ${error?.stack ?? error}\n`));
createInterface({ input: process.stdin }).on('line', answer).on('close', end);
