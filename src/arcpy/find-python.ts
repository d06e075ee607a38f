import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, posix, win32 } from 'node:path';

/** How the Python of ArcGIS is started, and how it was found. */
export type PythonCommand = { file: string; args: readonly string[]; foundBy: string };

export type PythonSearch = {
  /** Path from the configuration; nothing else is looked at then. */
  configured?: string | undefined;
  env: NodeJS.ProcessEnv;
  platform?: NodeJS.Platform;
  home?: string;
};

/**
 * The Python of ArcGIS Server or ArcGIS Pro on this machine: the configured one, that of `ARCGISHOME`, that of a
 * conda environment with `arcgis-server-py3`, or one in a usual place. Only files are looked at; whether ArcPy
 * starts there is for the probe to find out.
 *
 * @see Esri, ArcGIS Server, "ArcGIS Server and ArcPy"; "Linux: Python 3 runtime"
 */
export async function findPython(search: PythonSearch): Promise<PythonCommand | undefined> {
  const { configured, platform = process.platform } = search;
  if (configured !== undefined) return await toCommand(configured, 'arcpy.python', platform);
  for (const { path, foundBy } of await candidatesOf(search)) {
    if (await isFile(path)) return await toCommand(path, foundBy, platform);
  }
  return undefined;
}

type Candidate = { path: string; foundBy: string };

async function candidatesOf(search: PythonSearch): Promise<Candidate[]> {
  const { env, platform = process.platform, home = homedir() } = search;
  if (platform === 'win32') return windowsCandidates(env);
  const serverHome = env.ARCGISHOME;
  return [
    ...(serverHome
      ? [{ path: posix.join(serverHome, 'tools/python3'), foundBy: 'ARCGISHOME' }]
      : []),
    ...(await condaCandidates(env, home)),
    ...['/opt/arcgis/server', '/arcgis/server', posix.join(home, 'arcgis/server')].map(
      (folder) => ({ path: posix.join(folder, 'tools/python3'), foundBy: folder }),
    ),
  ];
}

const serverScripts = 'framework\\runtime\\ArcGIS\\bin\\Python\\Scripts\\propy.bat';
const proScripts = 'bin\\Python\\Scripts\\propy.bat';

function windowsCandidates(env: NodeJS.ProcessEnv): Candidate[] {
  const programs = env.ProgramFiles ?? 'C:\\Program Files';
  const server = win32.join(programs, 'ArcGIS\\Server');
  const local = env.LOCALAPPDATA;
  return [
    ...(env.ARCGISHOME
      ? [{ path: win32.join(env.ARCGISHOME, serverScripts), foundBy: 'ARCGISHOME' }]
      : []),
    ...(env.AGSSERVER
      ? [{ path: win32.join(env.AGSSERVER, serverScripts), foundBy: 'AGSSERVER' }]
      : []),
    { path: win32.join(server, serverScripts), foundBy: 'ArcGIS Server' },
    { path: win32.join(programs, 'ArcGIS\\Pro', proScripts), foundBy: 'ArcGIS Pro' },
    ...(local
      ? [
          {
            path: win32.join(local, 'Programs\\ArcGIS\\Pro', proScripts),
            foundBy: 'ArcGIS Pro of this account',
          },
        ]
      : []),
  ];
}

/** Environments of conda: the active one, and those that conda keeps a list of. */
async function condaCandidates(env: NodeJS.ProcessEnv, home: string): Promise<Candidate[]> {
  const listed = await readFile(join(home, '.conda/environments.txt'), 'utf8').catch(() => '');
  const folders = [env.CONDA_PREFIX ?? '', ...listed.split(/\r?\n/)].filter((line) => line !== '');
  const found: Candidate[] = [];
  for (const folder of new Set(folders)) {
    if (await hasServerPackage(folder)) {
      found.push({ path: posix.join(folder, 'bin/python3'), foundBy: `conda: ${folder}` });
    }
  }
  return found;
}

/** `arcgis-server-py3`; for 10.5 and 10.6 with the version in its name. */
async function hasServerPackage(folder: string): Promise<boolean> {
  const names = await readdir(join(folder, 'conda-meta')).catch(() => [] as string[]);
  return names.some((name) => /^arcgis-server-.*py3.*\.json$/.test(name));
}

/**
 * Node starts no `.bat` without a shell, and a shell is not wanted: so the interpreter beside it is started. Where
 * that is not there, `cmd.exe` runs the file; its arguments are fixed and never come from a job.
 */
async function toCommand(
  path: string,
  foundBy: string,
  platform: NodeJS.Platform,
): Promise<PythonCommand> {
  if (platform !== 'win32' || !/\.(?:bat|cmd)$/i.test(path))
    return { file: path, args: [], foundBy };
  const interpreter = win32.join(win32.dirname(path), '..\\envs\\arcgispro-py3\\python.exe');
  if (await isFile(interpreter)) return { file: interpreter, args: [], foundBy };
  return { file: 'cmd.exe', args: ['/d', '/c', path], foundBy };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
