import * as core from "chainrule";
import * as data from "chainrule/data";
import * as inspect from "chainrule/inspect";
import * as io from "chainrule/io";
import * as nn from "chainrule/nn";
import * as optim from "chainrule/optim";
import * as random from "chainrule/random";
import { conformance } from "./conformance.mjs";

export const run = () => conformance({ core, data, inspect, io, nn, optim, random });
