#!/usr/bin/env node
import { playInboxAgent } from "./inbox-agent.ts";
import { runProgram } from "./run-program.ts";

runProgram({ process, play: playInboxAgent });
