// A folder that lives as long as one sitting, also where the sitting is interrupted.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'sideloop-bench-'));
  const remove = () => rmSync(path, { recursive: true, force: true });
  // A signal alone would skip the 'exit' event.
  const leave = () => process.exit(130);
  process.once('exit', remove).once('SIGINT', leave).once('SIGTERM', leave);
  return {
    path,
    remove() {
      process.off('exit', remove).off('SIGINT', leave).off('SIGTERM', leave);
      remove();
    },
  };
}
