/** A worker process with everything loaded, that begins when it is told its environment. */
const [module] = process.argv.slice(2);
const { runWorker } = await import(module);

process.once('message', (env) => void runWorker([], { ...process.env, ...env }));
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL')); // the tests are gone
process.send('standing by');
