// Puts this platform's binary into prebuilds/, where the tarball takes it from and node-gyp-build
// finds it. It is the very binary that the tests ran, stripped: prebuildify would compile a second
// one, and take build/ away meanwhile, so it gets a copy and nothing to compile.
//
// npm runs this before `npm run build` too, since to npm `prebuild` is the hook of that name. It
// costs nothing there: the addon is compiled once.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mustRun, root } from './command.mjs';

mustRun(process.execPath, ['scripts/build.mjs', 'native']);

const stage = join(root, 'out', 'prebuild');
rmSync(stage, { recursive: true, force: true });
mkdirSync(join(stage, 'build', 'Release'), { recursive: true });
const binary = join('build', 'Release', 'sideloop.node');
copyFileSync(join(root, binary), join(stage, binary));

const { default: prebuildify } = await import('prebuildify');
await promisify(prebuildify)({
  name: 'sideloop',
  napi: true,
  strip: true,
  tagLibc: true,
  targets: [process.versions.node],
  cwd: stage,
  out: root,
  // In place of node-gyp: ignores its arguments and succeeds.
  nodeGyp: `"${process.execPath}" --eval 0 --`,
  shell: true,
});
