// The development build of the addon by CMake, in out/cmake-js. It is not the shipped one: it shares
// the warnings, the presets and compile_commands.json of the C++ tests.
import { join } from 'node:path';
import { installed, mustRun, root } from './command.mjs';

mustRun(process.execPath, [
  installed('cmake-js/bin/cmake-js'),
  'compile',
  `--out=${join(root, 'out', 'cmake-js')}`,
]);
