// Runs one contestant in its own process. Its last line on stdout is the measurement, as JSON;
// a contestant that crashes, hangs or prints nonsense becomes a failed run with its own words.
import { spawn } from 'node:child_process';

const kKeptOutput = 2000;

export function measureInChild(command, args, timeoutMs) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr = (stderr + chunk).slice(-kKeptOutput);
    });
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ error: error.message });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (timedOut) return resolve({ error: `no result within ${timeoutMs} ms` });
      if (code !== 0) {
        return resolve({ error: `ended with ${signal ?? `code ${code}`}: ${stderr.trim()}` });
      }
      try {
        resolve({ result: JSON.parse(stdout.trim().split('\n').at(-1)) });
      } catch {
        resolve({ error: `printed no measurement: ${stdout.slice(-200).trim()}` });
      }
    });
  });
}
