import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** How Node starts a module of the product: built where the build is newer than the source, for that loads sooner. */
export type ProductModule = { nodeArgs: string[]; path: string };

/** @param name such as `bin/worker` */
export function findProductModule(name: string): ProductModule {
  const built = join(root, 'dist', `${name}.js`);
  isBuildFresh ??= findFreshness();
  if (isBuildFresh) return { nodeArgs: [], path: built };
  return { nodeArgs: ['--import', loader], path: join(root, 'src', `${name}.ts`) };
}

let isBuildFresh: boolean | undefined;

function findFreshness(): boolean {
  const entry = statSync(join(root, 'dist/bin/pressroom.js'), { throwIfNoEntry: false });
  if (!entry) return false;
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const isOlder = (name: string) => statSync(join(root, 'src', name)).mtimeMs < entry.mtimeMs;
  return names.filter((name) => /(?<!\.test)\.ts$/.test(name)).every(isOlder);
}
