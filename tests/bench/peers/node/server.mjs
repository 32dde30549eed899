// server.mjs: a primary that keeps WEB_CONCURRENCY workers running, and what
// a worker does. TERM stops, and answers what is under way.
import cluster from 'node:cluster';
import { rmSync } from 'node:fs';
import { build } from './app.mjs';
import { config } from './config.mjs';
import * as guards from './guards.mjs';
import * as ledger from './ledger.mjs';

function primary() {
	let stopping = false;
	rmSync(config.listen, { force: true });
	for (let i = 0; i < config.processes; i++)
		cluster.fork();
	cluster.on('exit', (worker, code, signal) => {
		if (stopping)
			return;
		console.error(`worker ${worker.process.pid} ended: ${signal ?? code}`);
		if (!worker.served)
			process.exit(1); // it would not get better by trying
		cluster.fork();
	});
	cluster.on('listening', (worker) => { worker.served = true; });
	for (const signal of ['SIGTERM', 'SIGINT'])
		process.on(signal, () => {
			stopping = true;
			for (const worker of Object.values(cluster.workers))
				worker.process.kill('SIGTERM');
		});
}

async function worker() {
	const app = build();
	await Promise.all([ledger.open(app.log), guards.open(app.log)]);
	await app.listen({ path: config.listen });
	process.once('SIGINT', () => {});
	process.once('SIGTERM', async () => {
		await app.close();
		await Promise.all([ledger.close(), guards.close()]);
		process.exit(0);
	});
}

if (cluster.isPrimary)
	primary();
else
	await worker();
