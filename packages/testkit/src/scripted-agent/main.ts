#!/usr/bin/env node
import { playAgent } from "./agent.ts";
import { runProgram } from "./run-program.ts";

runProgram({ process, play: playAgent });
