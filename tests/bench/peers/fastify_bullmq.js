// Fastify + BullMQ: one `queue.add()` a callback, in two processes that share a port.

import cluster from 'node:cluster';
import { Queue } from 'bullmq';
import fastify from 'fastify';
import Redis from 'ioredis';

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.WEB_CONCURRENCY); i += 1) cluster.fork();
} else {
  const connection = new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
  const queue = new Queue('callbacks', { connection });
  const app = fastify();

  app.post('/callbacks/cts-video', async (request) => {
    await queue.add('callback', request.body);
    return { code: 0 };
  });

  await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
}
