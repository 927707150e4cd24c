// What the figures were taken on. A figure without this is worth nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

function firstLine(command, args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8' }).split('\n')[0].trim();
  } catch (error) {
    return `unknown (${error.code ?? error.message})`;
  }
}

function debianPackage(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholder.
  return firstLine('dpkg-query', ['-W', '-f', '${Version}', name]);
}

function distribution() {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  } catch {
    return os.type();
  }
}

export function machine() {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memoryGiB: Number((os.totalmem() / 2 ** 30).toFixed(1)),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    distribution: distribution(),
    loadBefore: os.loadavg()[0],
  };
}

export function versions() {
  return {
    node: process.version,
    'node libuv': process.versions.uv,
    'redis-server': /v=(\S+)/.exec(firstLine('redis-server', ['--version']))?.[1] ?? 'unknown',
  };
}

export function nativeVersions() {
  return {
    compiler: firstLine('c++', ['--version']),
    libuv: debianPackage('libuv1-dev'),
    hiredis: debianPackage('libhiredis-dev'),
    boost: debianPackage('libboost-dev'),
  };
}
