// BullMQ's side of the comparison: says its versions, enqueues jobs that do nothing, and works them off.
// Never measures a worker (the driver does, from outside) and never keeps a finished job.

import { appendFileSync } from "node:fs";
import { createRequire } from "node:module";

// The packages live in this system's own environment, where an `import` of this file would not look for them.
const fromEnvironment = createRequire(new URL("../.envs/bullmq/package.json", import.meta.url));
const { Queue, Worker } = fromEnvironment("bullmq");

const OPTIONS = { default: {}, "tasks-10": { concurrency: 10 }, tuned: { concurrency: 100 } };
const BULK_SIZE = 1_000;
const WARM_UP = 500;

const data = (number) => ["string", number, { mike: "bob" }];

/** Another body only when a trace is asked for: the measured one does nothing at all. */
function body() {
  const path = process.env.VERSUS_TRACE;
  return path ? async (job) => appendFileSync(path, `${JSON.stringify(job.data)}\n`) : async () => {};
}

function versions() {
  const names = ["bullmq", "ioredis"];
  const found = names.map((name) => [name, fromEnvironment(`${name}/package.json`).version]);
  return { ...Object.fromEntries(found), node: process.versions.node };
}

async function addOneByOne(queue, count) {
  for (let number = 0; number < count; number++) await queue.add("noop", data(number));
}

async function addInBulk(queue, count) {
  for (let first = 0; first < count; first += BULK_SIZE) {
    const length = Math.min(BULK_SIZE, count - first);
    await queue.addBulk(Array.from({ length }, (_, index) => ({ name: "noop", data: data(first + index) })));
  }
}

async function enqueue(url, count, how) {
  const add = { one: addOneByOne, bulk: addInBulk }[how];
  const connection = { url };
  const [queue, aside] = [new Queue("noop", { connection }), new Queue("warm-up", { connection })];
  await Promise.all([queue.waitUntilReady(), aside.waitUntilReady()]);
  await add(aside, WARM_UP);
  await aside.obliterate({ force: true });
  const started = performance.now();
  await add(queue, count);
  const seconds = (performance.now() - started) / 1e3;
  await Promise.all([queue.close(), aside.close()]);
  return { seconds };
}

function work(url, variant) {
  if (!(variant in OPTIONS)) throw new Error(`no variant ${variant}; there are ${Object.keys(OPTIONS)}`);
  const removed = { removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } };
  const worker = new Worker("noop", body(), { connection: { url }, ...removed, ...OPTIONS[variant] });
  worker.on("error", (error) => console.error(error));
  worker.on("failed", (_job, error) => console.error(error));
  process.once("SIGTERM", () => worker.close().then(() => process.exit(0)));
}

const [command, url, ...rest] = process.argv.slice(2);
if (command === "versions") console.log(JSON.stringify(versions()));
else if (command === "enqueue") console.log(JSON.stringify(await enqueue(url, Number(rest[0]), rest[1])));
else if (command === "worker") work(url, rest[0]);
else throw new Error(`no command ${command}; there are versions, enqueue, worker`);
