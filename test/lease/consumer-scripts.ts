// The scripts of consumers, as the loop thread sends them.

import { readFileSync } from 'node:fs';

const HEADERS = ['entry_lua', 'consumer_scripts', 'reclaim_scripts']
  .map((name) => readFileSync(new URL(`../../native/lease/${name}.h`, import.meta.url), 'utf8'))
  .join('');

function textOf(name: string): string {
  const text = new RegExp(`${name} = R"lua\\((.*?)\\)lua"`, 's').exec(HEADERS)?.[1];
  if (text === undefined) throw new Error(`there is no script ${name}`);
  return text;
}

const entry = textOf('kEntryLua');
const takenOver = entry + textOf('kTakenOverLua');

export const SCRIPTS = {
  renew: textOf('kRenewEntries'),
  ack: entry + textOf('kAckEntriesLua'),
  recover: takenOver + textOf('kRecoverEntriesLua'),
  sift: takenOver + textOf('kCheckEntriesLua'),
  fail: textOf('kWakeLua') + entry + textOf('kFailEntryLua'),
  handBack: textOf('kWakeLua') + textOf('kHandBackEntriesLua'),
  clean: textOf('kCleanGroup'),
};
