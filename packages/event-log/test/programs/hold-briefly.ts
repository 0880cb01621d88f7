/** Is for an instant in the middle of taking the broker's lock, as somebody is who asks at the same time. */
import { join } from "node:path";
import Sqlite from "better-sqlite3";

const [stateDir = ""] = process.argv.slice(2);
const connection = new Sqlite(join(stateDir, "broker.lock"));
connection.exec("BEGIN");
connection.prepare("SELECT count(*) FROM sqlite_master").get();
process.stdout.write("in the middle\n");
setTimeout(() => connection.close(), 20);
