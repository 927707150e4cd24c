// The text that says where a server is: a URL, `host:port`, a port, or the path of a socket.

import { isIP } from 'node:net';
import { SideloopTypeError } from '../errors.js';
import { nearestOf } from '../options.js';
import { OPTION_RULES, wrongOption } from './option-rules.js';
import type { RedisOptions } from './options.js';

/**
 * The options that a text stands for: `redis://user:password@host:6379/0?family=6`, the same without its scheme, `6379`,
 * `/path/of/socket?db=1`, `unix:///path`. Its query may have any option that text can say; what stands before it counts more.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT`, which repeats nothing of the text, since there may be a password in
 * any part of it; `ERR_SIDELOOP_REDIS_TLS` for rediss://.
 */
export function optionsOfText(text: string): RedisOptions {
  if (/^\d+$/.test(text)) return { port: Number(text) };
  if (isIP(text) !== 0) return { host: text };
  // A path is no URL: it has no escapes.
  if (text.startsWith('/') && !text.startsWith('//')) {
    const [path = '', query] = text.split(/\?(.*)/s, 2);
    return { ...ofQuery(new URLSearchParams(query)), path };
  }
  const url = urlOf(text);
  if (url.hash !== '') throw wrongUrl("without '#'");
  const options = url.protocol === 'unix:' ? ofSocket(url) : ofServer(url);
  return { ...ofQuery(url.searchParams), ...ofUser(url), ...options };
}

function urlOf(text: string): URL {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const full = hasScheme ? text : `redis:${text.startsWith('//') ? '' : '//'}${text}`;
  let url: URL;
  try {
    url = new URL(full);
  } catch {
    // Not as a cause either: it has the whole text.
    throw wrongUrl('like redis://user:password@host:6379/0');
  }
  if (url.protocol === 'rediss:') {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_REDIS_TLS',
      'TLS (rediss://) is not supported yet. Use redis:// through a local TLS proxy such as stunnel.',
    );
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'unix:') {
    throw wrongUrl('with the scheme redis:// or unix://');
  }
  return url;
}

function ofServer({ hostname, port, pathname }: URL): RedisOptions {
  const options: RedisOptions = {};
  // The URL standard writes IPv6 addresses in brackets.
  if (hostname !== '') options.host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (port !== '') options.port = Number(port);
  const db = pathname.slice(1);
  if (db !== '') {
    if (!/^\d+$/.test(db)) throw wrongUrl('with nothing but the number of a database as its path');
    options.db = Number(db);
  }
  return options;
}

function ofSocket({ host, pathname }: URL): RedisOptions {
  if (host !== '') throw wrongUrl('with three slashes where it is of a socket: unix:///path');
  return { path: decoded(pathname) };
}

function ofUser({ username, password }: URL): RedisOptions {
  const options: RedisOptions = {};
  if (username !== '') options.username = decoded(username);
  if (password !== '') options.password = decoded(password);
  return options;
}

function ofQuery(query: URLSearchParams): RedisOptions {
  const options: Record<string, unknown> = {};
  for (const [name, value] of query) {
    const rule = Object.hasOwn(OPTION_RULES, name) ? OPTION_RULES[name as 'db'] : undefined;
    if (rule?.ofText === undefined) throw wrongName(name);
    options[name] = rule.ofText(value);
  }
  return options as RedisOptions;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrongUrl(
      "whose user, password and path are encoded: a '%' in one is '%25', as encodeURIComponent() makes it",
    );
  }
}

// What stands where a name should be may be a part of a password that was not encoded: it is told where it is nearly a name.
function wrongName(name: string): SideloopTypeError {
  const names = Object.keys(OPTION_RULES).filter((known) => OPTION_RULES[known as 'db'].ofText);
  const meant = nearestOf(name, names);
  const hint = meant === undefined ? `It can have ${names.join(', ')}` : `Did you mean '${meant}'?`;
  const what = meant === undefined ? 'something' : `'${name}'`;
  return new SideloopTypeError(
    'ERR_SIDELOOP_ARGUMENT',
    `The query of the url has ${what} that is no option. ${hint}`,
  );
}

function wrongUrl(expected: string): SideloopTypeError {
  return wrongOption('url', `one ${expected}`);
}
