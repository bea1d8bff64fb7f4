// What can be done with a page, in Firefox (WebDriver BiDi) and Chromium (DevTools) alike.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 40;
const quoted = (text) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');

// {css} | {role, name?} | {label} | {text}; role and name are those of the accessibility tree.
function selector({ css, role, name, label, text }) {
  if (css) return css;
  if (text) return `text/${text}`;
  if (label) return `xpath/${labelled(label)}`;
  return 'aria/' + (name === undefined ? '' : `[name="${quoted(name)}"]`) + (role ? `[role="${role}"]` : '');
}

// The field whose <label> begins with these words, or whose aria-label does.
function labelled(words) {
  const text = words.includes('"') ? `'${words}'` : `"${words}"`;
  const field = '*[self::input or self::select or self::textarea]';
  const begins = `[starts-with(normalize-space(.), ${text})]`;
  return `//*[@id = //label${begins}/@for] | //label${begins}//${field} | //${field}[starts-with(@aria-label, ${text})]`;
}

const locate = (page, request) =>
  page.scriptsOff ? new PlainElement(page, request) : page.locator(selector(request.target)).setTimeout(request.timeout_ms);

// With scripts off no frame or observer callback ever runs in the page, which puppeteer's locators wait for.
class PlainElement {
  constructor(page, { target, timeout_ms }) {
    Object.assign(this, { page, selector: selector(target), timeout_ms });
  }

  async waitHandle() {
    for (const end = Date.now() + this.timeout_ms; Date.now() < end; await pause(POLL_MS)) {
      const handle = await this.page.$(this.selector).catch(() => null); // between two documents
      if (await handle?.boundingBox()) return handle;
    }
    throw new Error(`Timed out after waiting ${this.timeout_ms}ms`);
  }

  async click() {
    const handle = await this.waitHandle();
    await handle.evaluate((element) => element.scrollIntoView({ block: 'center', behavior: 'instant' }));
    const { x, y, width, height } = await handle.boundingBox();
    await this.page.mouse.click(x + width / 2, y + height / 2);
  }

  async fill(value) {
    await (await this.waitHandle()).evaluate((element, text) => { element.value = text; }, value);
  }

  hover() {
    throw new Error('hovering with scripts off is not provided');
  }
}

// A tab behind another one gets no animation frames, so that nothing in it ever counts as stable.
async function toFront(page, session) {
  if (session.front === page) return;
  await page.bringToFront();
  session.front = page;
}

// A locator scrolls to its element once and then only waits for it to be in sight. A browser that is still loading goes
// back to the #fragment it was sent to, and the wait would last for ever: so the whole act is tried again.
const TRY_MS = 5000;

async function acting(page, request, session, action) {
  const end = Date.now() + request.timeout_ms;
  for (;;) {
    const left = end - Date.now();
    try {
      await toFront(page, session);
      return await action(locate(page, { ...request, timeout_ms: Math.max(1, Math.min(TRY_MS, left)) }));
    } catch (error) {
      if (error.name === 'TimeoutError' && left > TRY_MS) continue;
      throw new Error(`${request.command} ${JSON.stringify(request.target)}: ${error.message}`);
    }
  }
}

// The body of an async function of `arg`; run outside the page's CSP, its value returned as JSON.
export function expression(body, arg) {
  const call = `(async (arg) => {${body}\n})(${JSON.stringify(arg ?? null)})`;
  return `${call}.then((value) => JSON.stringify(value === undefined ? null : value))`;
}

async function evaluate(page, { body, arg }) {
  return JSON.parse(await page.evaluate(expression(body, arg)));
}

// Polls from here, so that it outlives navigations and needs no timers in the page.
async function waitFor(page, request) {
  const end = Date.now() + request.timeout_ms;
  let last = 'false';
  for (;;) {
    try {
      const value = await evaluate(page, request);
      if (value) return value;
      last = JSON.stringify(value);
    } catch (error) {
      last = error.message; // the page is between two documents, or the condition throws until it can hold
    }
    if (Date.now() > end) throw new Error(`after ${request.timeout_ms} ms not true: ${request.body} (last: ${last})`);
    await pause(POLL_MS);
  }
}

export const pageCommands = {
  goto: async (page, { url, wait_until, timeout_ms }) =>
    (await page.goto(url, { waitUntil: wait_until, timeout: timeout_ms }))?.status() ?? null,
  reload: async (page, { timeout_ms }) => (await page.reload({ timeout: timeout_ms }))?.status() ?? null,
  back: async (page, { timeout_ms }) => (await page.goBack({ timeout: timeout_ms }))?.status() ?? null,
  click: (page, request, session) => acting(page, request, session, (element) => element.click()),
  fill: (page, request, session) => acting(page, request, session, (element) => element.fill(request.value)),
  hover: (page, request, session) => acting(page, request, session, (element) => element.hover()),
  waitForElement: (page, request, session) =>
    acting(page, request, session, async (element) => void (await (await element.waitHandle()).dispose())),
  select: (page, { css, values }) => page.select(css, ...values),
  press: async (page, { key }, session) => toFront(page, session).then(() => page.keyboard.press(key)),
  type: async (page, { text }, session) => toFront(page, session).then(() => page.keyboard.type(text)),
  clickAt: async (page, { x, y }, session) => toFront(page, session).then(() => page.mouse.click(x, y)),
  upload: async (page, { css, path }) => void (await (await page.$(css)).uploadFile(path)),
  evaluate,
  waitFor,
  beforeScripts: async (page, { source }) => void (await page.evaluateOnNewDocument(source)),
  text: (page) => page.evaluate('document.body ? document.body.innerText : ""'),
  content: (page) => page.content(),
  url: (page) => page.url(),
  title: (page) => page.title(),
  screenshot: async (page, { path, full_page }, session) => {
    await toFront(page, session);
    await page.screenshot({ path, fullPage: full_page });
  },
  viewport: (page, { width, height, mobile, scale }) =>
    page.setViewport({ width, height, isMobile: mobile, hasTouch: mobile, deviceScaleFactor: scale }),
  geolocation: (page, { latitude, longitude, accuracy }) =>
    page.setGeolocation(latitude === null ? null : { latitude, longitude, accuracy }),
  cookies: async (page) =>
    (await page.browserContext().cookies()).map(({ name, value, domain, path }) => ({ name, value, domain, path })),
  onDialog: async (page, { accept }) => void (page.dismissDialogs = !accept),
  mediaFeatures: (page, { features }) => page.emulateMediaFeatures(features),
  closePage: (page) => page.close(),
  // axe-core's violations: [{id, impact, help, nodes: [{html, target}]}]; `only` are axe's tags, [] for all rules.
  axe: async (page, { only }) => {
    const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    await page.evaluate(`${source};null`);
    const options = only.length ? { runOnly: { type: 'tag', values: only } } : {};
    return evaluate(page, {
      arg: options,
      body: `const {violations} = await axe.run(document, arg);
        return violations.map(({id, impact, help, nodes}) =>
          ({id, impact, help, nodes: nodes.map(({html, target}) => ({html, target}))}));`,
    });
  },
};
