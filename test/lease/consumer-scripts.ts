// The scripts of consumers, as the loop thread sends them.

import { readFileSync } from 'node:fs';

const HEADER = readFileSync(
  new URL('../../native/lease/consumer_scripts.h', import.meta.url),
  'utf8',
);

function textOf(name: string): string {
  const text = new RegExp(`${name} = R"lua\\((.*?)\\)lua"`, 's').exec(HEADER)?.[1];
  if (text === undefined) throw new Error(`there is no script ${name}`);
  return text;
}

const takenOver = textOf('kEntryLua') + textOf('kTakenOverLua');

export const SCRIPTS = {
  renew: textOf('kRenewEntries'),
  ack: textOf('kAckEntries'),
  recover: takenOver + textOf('kRecoverEntriesLua'),
  sift: takenOver + textOf('kSiftEntriesLua'),
  handBack: textOf('kWakeLua') + textOf('kHandBackEntriesLua'),
  clean: textOf('kCleanGroup'),
};
