// One trial: a first process holds the lease and works, a second one wants it from then on, and the
// ledger and the server say what came of it. With a fault, that is injected while the first works.
import { rmSync } from 'node:fs';
import { openLedger } from './ledger.mjs';
import { startProcess } from './processes.mjs';
import { watchServer, whoeverHolds } from './server-view.mjs';

// How often the rival of a lock asks for it.
export const kRivalAsksEveryMs = 10;
const kReadyMs = 20_000;
const kBeginMs = 10_000;
const kLockQuietMs = 300;

let trials = 0;

const isOf =
  (who, ...names) =>
  ({ who: writer, event }) =>
    writer === who && names.includes(event);
const settled = ['completed', 'refused'];

// Each process has seen the end of as many executions as it has begun, the `dead` ones aside.
// Of one that hangs, one execution fewer.
function allSettled(events, { dead, hung }) {
  const isAliveAnd =
    (...names) =>
    ({ who, event }) =>
      !dead.has(who) && names.includes(event);
  const begun = events.filter(isAliveAnd('begun'));
  const ended = events.filter(isAliveAnd(...settled));
  const countOf = (list, name) => list.filter(({ who }) => who === name).length;
  const expected = (who) => countOf(begun, who) - Number(who === hung);
  return (
    begun.some(({ who }) => expected(who) > 0) &&
    begun.every(({ who }) => expected(who) <= countOf(ended, who))
  );
}

export async function runTrial(setting) {
  const { folder } = setting;
  const ledger = openLedger(`${folder}/ledger-${++trials}`);
  const server = await watchServer(setting.port);
  const processes = [];
  const trial = { ...setting, ledger, processes, dead: new Set(), key: `job-${trials}` };
  try {
    await play(trial);
    const { adapter, key, kind, port } = trial;
    const outcome = kind === 'queue' ? await adapter.outcome({ port, key }) : undefined;
    return { result: account(trial, server.touches, outcome) };
  } catch (error) {
    const complaints = processes.map((one) => one.complaint()).filter(Boolean);
    const said = ledger.events.filter(({ event }) => event === 'error').map((one) => one.message);
    return { error: [error.message, ...said, ...complaints].join('; ') };
  } finally {
    server.close();
    await Promise.all(processes.map((one) => one.end()));
    ledger.close();
    rmSync(ledger.path);
  }
}

async function play(trial) {
  const { ledger, kind, adapter, key, port, fault, control } = trial;
  const first = start(trial, 'contestant', 'first', trial.work, trial.reach);
  const rival = kind === 'lock' ? 'rival' : 'contestant';
  const second = start(trial, rival, 'second', trial.secondWork ?? trial.work);
  await mustSee(ledger, (events) => events.filter(isReady).length === 2, kReadyMs, 'ready');

  const others = new Set(await connections(control));
  first.tell('start');
  if (kind === 'queue') {
    await mustSee(ledger, (events) => events.some(isOf('first', 'consuming')), kBeginMs, 'started');
    await adapter.add({ port, key });
  }
  await mustSee(ledger, (events) => events.some(isOf('first', 'begun')), kBeginMs, 'begun');
  trial.firstConnections = (await connections(control)).filter((id) => !others.has(id));
  second.tell('start');
  if (fault) await fault.play(trial, first, second);
  trial.ended = await ledger.until((events) => allSettled(events, trial), trial.deadlineMs);
  await ledger.untilQuiet(kind === 'lock' ? kLockQuietMs : 2 * trial.leaseMs);
}

const isReady = ({ event }) => event === 'ready';

function start(trial, role, name, work, reach = { host: '127.0.0.1', port: trial.port }) {
  const { client, kind, key, leaseMs, bounds, ledger } = trial;
  const { prefix, host, port } = reach;
  const plan = {
    ...{ client, kind, key, port, leaseMs, bounds, name, work, host, ledger: ledger.path },
    askEveryMs: kRivalAsksEveryMs,
  };
  const started = startProcess(role, plan, prefix);
  trial.processes.push(started);
  return started;
}

async function mustSee(ledger, holds, deadlineMs, what) {
  if (await ledger.until(holds, deadlineMs)) return;
  throw new Error(`Not ${what} within ${deadlineMs} ms.`);
}

async function connections(control) {
  const list = await control.call('CLIENT', 'LIST');
  return [...list.matchAll(/^id=(\d+)/gm)].map(([, id]) => Number(id));
}

// All times in ms since the first execution began.
function account(trial, touches, outcome) {
  const { events } = trial.ledger;
  const begun = events.filter(({ event }) => event === 'begun');
  const origin = begun[0].at;
  const since = (event) => (event ? event.at - origin : undefined);
  const ready = events.find(isOf('first', 'ready'));
  const finished = events.find(isOf('first', 'finished'));
  const firstAck = events.find(isOf('first', ...settled));
  const second = begun.find(({ who }) => who === 'second');
  // Taken while the first was at work, or, where nobody was there to take it, found gone at the end.
  const wasTaken = second !== undefined && !(second.at > finished?.at);
  const lost = wasTaken ? second : firstAck?.event === 'refused' ? (second ?? firstAck) : undefined;
  const next = begun.find(({ at }) => at > trial.faultAt);
  const end = finished?.at ?? events.at(-1).at;
  const renewals = renewalsOf(touches, trial.key, { origin, until: lost?.at ?? end });
  const wasCompleted = outcome ? outcome.completed > 0 : events.some(isOf('first', 'completed'));
  return {
    version: ready.version,
    renewEveryMs: ready.renewEveryMs,
    // A rival that gets the lock when the work is done finds nothing left to do.
    executions: trial.kind === 'lock' ? 1 + Number(wasTaken) : begun.length,
    lostAt: since(lost),
    noticedAt: since(events.find(isOf('first', 'noticed'))),
    blockAt: since(events.find(isOf('first', 'block'))),
    unblockAt: since(events.find(isOf('first', 'unblock'))),
    finishedAt: since(finished),
    faultAt: trial.faultAt === undefined ? undefined : trial.faultAt - origin,
    // By whom, is no matter: the first process may get over its fault.
    nextBegunAt: since(next),
    nextBegunBy: next?.who,
    acknowledged: events.filter(({ event }) => event === 'completed').length,
    firstAck: firstAck?.event,
    failedThoughFinished: finished !== undefined && !wasCompleted,
    inTime: trial.ended,
    outcome,
    renewals: renewals.map((at) => at - origin),
    gaps: gapsOf(renewals, origin, lost?.at ?? end),
    events: events.map(({ at, ...event }) => ({ at: at - origin, ...event })),
  };
}

// Of the first holder only: who took over renews for himself.
function renewalsOf(touches, key, { origin, until }) {
  const isOurs = (name) =>
    name === key || (name.startsWith(`bull:${key}:`) && name.endsWith(':lock'));
  const ours = touches.filter((touch) => isOurs(touch.key));
  const holders = [ours[0]?.holder, whoeverHolds];
  return ours
    .filter(({ holder, at }) => holders.includes(holder) && at > origin && at <= until)
    .map(({ at }) => at);
}

// From one renewal to the next, and to where there was none any more.
function gapsOf(renewals, origin, end) {
  const marks = [origin, ...renewals, end];
  return marks.slice(1).map((mark, index) => mark - marks[index]);
}
