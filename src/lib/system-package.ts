import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Installs what the demo or the tests need with the system's own package manager, unless
 * `PRESSROOM_NO_INSTALL=1` forbids it.
 *
 * @returns false when it may not, or there is no package manager that works without asking
 */
export async function installSystemPackage(
  names: { apt: string; brew: string },
  { env, why, say }: { env: NodeJS.ProcessEnv; why: string; say: (line: string) => void },
): Promise<boolean> {
  const recipe = env.PRESSROOM_NO_INSTALL === '1' ? undefined : await findRecipe(names);
  for (const command of recipe ?? []) {
    say(`${why}. Running: ${command.join(' ')}`);
    const [file, ...rest] = command as [string, ...string[]];
    await run(file, rest, { timeout: 600_000, maxBuffer: 64 * 2 ** 20 });
  }
  return recipe !== undefined;
}

async function findRecipe({
  apt,
  brew,
}: {
  apt: string;
  brew: string;
}): Promise<string[][] | undefined> {
  const works = (file: string, ...rest: string[]) =>
    run(file, rest, { timeout: 5_000 }).then(
      () => true,
      () => false,
    );
  if (process.platform === 'darwin')
    return (await works('brew', '--version')) ? [['brew', 'install', brew]] : undefined;
  if (!(await works('apt-get', '--version'))) return undefined;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !(await works('sudo', '-n', 'true'))) return undefined;
  const sudo = isRoot ? [] : ['sudo', '-n'];
  return [
    [...sudo, 'apt-get', 'update'],
    [...sudo, 'apt-get', 'install', '-y', '--no-install-recommends', apt],
  ];
}
