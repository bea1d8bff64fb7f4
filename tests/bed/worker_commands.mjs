// Service workers, permissions and the network: what only DevTools can do is refused in Firefox by name.
import { setTimeout as pause } from 'node:timers/promises';
import { expression } from './page_commands.mjs';

const OFFLINE = { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };

function needsDevTools(session, what) {
  if (session.name !== 'chrome') throw new Error(`${what} needs Chromium; this is ${session.name}`);
}

const workerTargets = (page) => page.browserContext().targets().filter((target) => target.type() === 'service_worker');

// The registration of a scope (absolute address) as DevTools knows it; waits until it is there.
async function registration(page, scope, timeout_ms) {
  page.registrations ??= await watchRegistrations(page);
  const end = Date.now() + timeout_ms;
  while (!page.registrations.byScope.has(scope)) {
    if (Date.now() > end) throw new Error(`no service worker under ${scope}; there are ${[...page.registrations.byScope.keys()]}`);
    await pause(20);
  }
  return { id: page.registrations.byScope.get(scope), ...page.registrations };
}

async function watchRegistrations(page) {
  const devtools = await page.createCDPSession();
  const byScope = new Map();
  devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
    for (const one of registrations) {
      if (one.isDeleted) byScope.delete(one.scopeURL);
      else byScope.set(one.scopeURL, one.registrationId);
    }
  });
  const running = new Map(); // version id -> {registrationId, runningStatus}
  devtools.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
    for (const one of versions) running.set(one.versionId, one);
  });
  devtools.on('ServiceWorker.workerErrorReported', ({ errorMessage: { errorMessage, sourceURL, lineNumber } }) =>
    page.report('pageerror', `${errorMessage} (${sourceURL}:${lineNumber})`));
  const completed = new Map(); // registration id -> [status of each push event that ended, oldest first]
  devtools.on('BackgroundService.backgroundServiceEventReceived', ({ backgroundServiceEvent: event }) => {
    if (event.eventName !== 'Push event completed') return;
    const id = event.serviceWorkerRegistrationId;
    const status = event.eventMetadata.find(({ key }) => key === 'Status')?.value ?? 'no status';
    completed.set(id, [...(completed.get(id) ?? []), status]);
  });
  await devtools.send('ServiceWorker.enable');
  await devtools.send('BackgroundService.startObserving', { service: 'pushMessaging' });
  await devtools.send('BackgroundService.setRecording', { service: 'pushMessaging', shouldRecord: true });
  return { devtools, byScope, completed, running };
}

// A session is closed after each use: a service worker that stops while one is open never starts again.
async function inWorker(target, use) {
  const devtools = await target.createCDPSession();
  try {
    return await use(devtools);
  } finally {
    await devtools.detach().catch(() => {});
  }
}

async function evaluateIn(devtools, source) {
  const { result, exceptionDetails: failed } = await devtools.send('Runtime.evaluate', {
    expression: source, awaitPromise: true, returnByValue: true,
  });
  if (failed) throw new Error(failed.exception?.description ?? failed.text);
  return result.value;
}

// The running service worker of a scope, started if need be.
async function runningWorker(page, scope, timeout_ms) {
  const { devtools } = await registration(page, scope, timeout_ms);
  await devtools.send('ServiceWorker.startWorker', { scopeURL: scope });
  const end = Date.now() + timeout_ms;
  for (;;) {
    for (const target of workerTargets(page)) {
      const ask = (session) => evaluateIn(session, 'self.registration.scope');
      if ((await inWorker(target, ask).catch(() => '')) === scope) return target;
    }
    if (Date.now() > end) throw new Error(`the service worker under ${scope} did not start`);
    await pause(20);
  }
}

// Emulation lasts as long as its session: kept while off line, closed when the network is back.
async function offlineWorker(page, target) {
  const devtools = await target.createCDPSession();
  await devtools.send('Network.enable');
  await devtools.send('Network.emulateNetworkConditions', OFFLINE);
  page.offlineSessions.push(devtools);
}

async function onlineWorkers(page) {
  const sessions = page.offlineSessions ?? [];
  page.offlineSessions = [];
  for (const one of sessions) await one.detach().catch(() => {});
}

// Looks through the windows of Firefox itself (its chrome scope) for the alert with this title and text.
async function clickAlert(session, { title, body }) {
  const connection = session.browser.connection;
  const { result: { contexts } } = await connection.send('browsingContext.getTree', { 'moz:scope': 'chrome' });
  for (const { context, url } of contexts) {
    if (!url.endsWith('/alert.xhtml')) continue;
    const click = `((title, body) => {
      const said = (id) => { const e = document.getElementById(id); return e.value || e.textContent; };
      if (said('alertTitleLabel') !== title || said('alertTextLabel') !== body) return false;
      document.getElementById('alertBox').click();
      return true;
    })(${JSON.stringify(title)}, ${JSON.stringify(body)})`;
    const { result } = await connection.send('script.evaluate', {
      target: { context }, expression: click, awaitPromise: false,
    });
    if (result.result?.value) return true;
  }
  return false;
}

export const workerCommands = {
  permissions: async (page, { origin, names }) =>
    void (await page.browserContext().overridePermissions(origin, names)),

  // Page and service workers alike: a worker that still reached the network would hide a broken offline page.
  offline: async (page, { offline }, session) => {
    needsDevTools(session, 'going off line (its service workers would stay on line)');
    await page.setOfflineMode(offline);
    await onlineWorkers(page);
    page.isOffline = offline;
    if (!page.watchesWorkers) {
      page.watchesWorkers = true;
      page.browserContext().on('targetcreated', (target) => {
        if (target.type() === 'service_worker' && page.isOffline) offlineWorker(page, target).catch(() => {});
      });
    }
    if (offline) for (const target of workerTargets(page)) await offlineWorker(page, target);
  },

  // Ends when the worker's push event has: asking for notifications while Chromium is still showing one loses it.
  deliverPush: async (page, { scope, data, timeout_ms }, session) => {
    needsDevTools(session, 'deliverPushMessage');
    const { id, devtools, completed } = await registration(page, scope, timeout_ms);
    const before = completed.get(id)?.length ?? 0;
    await devtools.send('ServiceWorker.deliverPushMessage', {
      origin: new URL(scope).origin, registrationId: id, data,
    });
    const end = Date.now() + timeout_ms;
    while ((completed.get(id)?.length ?? 0) === before) {
      if (Date.now() > end) throw new Error(`the push event of ${scope} did not end in ${timeout_ms} ms`);
      await pause(10);
    }
    return completed.get(id)[before];
  },

  // Firefox: a real click on the alert it draws. Chromium draws none when headless; its worker gets a made event.
  clickNotification: async (page, request, session) => {
    if (session.name === 'chrome') return workerCommands.evaluateInWorker(page, request, session);
    if (request.arg.action) throw new Error('the alerts that Firefox draws have no action buttons');
    const end = Date.now() + request.timeout_ms;
    while (!(await clickAlert(session, request.arg))) {
      if (Date.now() > end) throw new Error(`no alert is drawn for ${JSON.stringify(request.arg)}`);
      await pause(20);
    }
    return null;
  },

  stopWorker: async (page, { scope, timeout_ms }, session) => {
    needsDevTools(session, 'stopping a service worker');
    const { devtools, running } = await registration(page, scope, timeout_ms);
    await devtools.send('ServiceWorker.stopAllWorkers');
    const end = Date.now() + timeout_ms;
    while ([...running.values()].some(({ runningStatus }) => runningStatus !== 'stopped')) {
      if (Date.now() > end) throw new Error(`a service worker still runs after ${timeout_ms} ms`);
      await pause(10);
    }
  },

  evaluateInWorker: async (page, { scope, body, arg, timeout_ms }, session) => {
    needsDevTools(session, 'evaluating in a service worker');
    const target = await runningWorker(page, scope, timeout_ms);
    return JSON.parse(await inWorker(target, (devtools) => evaluateIn(devtools, expression(body, arg))));
  },
};
