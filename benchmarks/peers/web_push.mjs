// npm `web-push` at its best: one keep-alive agent, a token signed beforehand, nothing stored.
//
//   node web_push.mjs JOBS.json      asked by lines on stdin, see benchmarks/peers/jobs.py

import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { createInterface } from "node:readline";
import webpush from "web-push";

const jobs = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { Urgency, Topic, ...headers } = jobs.headers;
const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 1024, ca: readFileSync(jobs.ca_file) });
// web-push has options of its own for these two and refuses or overwrites the headers.
const options = { TTL: jobs.ttl_s, headers, urgency: Urgency, topic: Topic, agent };

async function some(turn, total, causes) {
  let sent = 0;
  while (turn.next < total) {
    const number = turn.next++;
    const subscription = {
      endpoint: jobs.endpoints[number % jobs.endpoints.length],
      keys: jobs.keys[number % jobs.keys.length],
    };
    try {
      await webpush.sendNotification(subscription, jobs.texts[number % jobs.texts.length], options);
      sent++;
    } catch (error) {
      if (causes.length < 5) causes.push(String(error.message));
    }
  }
  return sent;
}

async function send({ messages, in_flight }) {
  const turn = { next: 0 };
  const causes = [];
  const sent = await Promise.all(Array.from({ length: in_flight }, () => some(turn, messages, causes)));
  return { sent: sent.reduce((sum, one) => sum + one, 0), causes };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await send(JSON.parse(line)))}\n`);
}
agent.destroy();
