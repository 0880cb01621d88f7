import { library } from "../../tsup.base.ts";

export default library(
  { main: "src/main.ts", "scripted-reader-agent": "src/scripted-reader-agent.ts", echo: "src/echo.ts" },
  { dts: false },
);
