import { CrashableLog, isSimulatedCrash, SimulatedClock, sweep } from "@agent-relay/testkit";

const report = await sweep((plan) => {
  const log = new CrashableLog<{ readonly type: "paid" }>(plan);
  const clock = new SimulatedClock();
  for (let isDone = false; !isDone; ) {
    try {
      if (log.head() === 0) log.append([{ stream: "till", event: { type: "paid" }, at: clock.now() }]);
      isDone = true;
    } catch (error) {
      if (!isSimulatedCrash(error)) throw error;
      clock.forget(); // the next turn of the loop is the restarted process
    }
  }
  if (log.history().length !== 1) throw new Error("paid once, whatever happens");
});
console.log(`${report.points} points, ${report.runs} runs`);
