import { sdkRequire, sdkVersion } from "../provider/sdk.mjs";
import { POLICY_PACK, startPolicyPack } from "./policy-pack.mjs";
import { programCommand, runProgram } from "./program.mjs";

const proto = sdkRequire("@pulumi/pulumi/proto/language_pb.js");
const { PluginInfo } = sdkRequire("@pulumi/pulumi/proto/plugin_pb.js");
const { Empty } = sdkRequire("google-protobuf/google/protobuf/empty_pb.js");

/**
 * The stand-in for `pulumi-language-nodejs`: runs programs. What only `pulumi new`, `install` and packaging need
 * is left out and answers UNIMPLEMENTED.
 * @param {string} engine address
 */
export function languageHost(engine) {
  const programs = new Set();
  const stop = () => {
    for (const program of programs) program.stop();
  };
  const reply = (make) => (call, callback) => {
    try {
      callback(null, make(call.request));
    } catch (error) {
      callback({ code: 2, details: error.message });
    }
  };

  return {
    stop,
    methods: {
      handshake: reply(() => new proto.LanguageHandshakeResponse()),
      // None: plugins are found on PATH, and asking for them would make the engine try to download them.
      getRequiredPlugins: reply(() => new proto.GetRequiredPluginsResponse()),
      getRequiredPackages: reply(() => new proto.GetRequiredPackagesResponse()),
      getProgramDependencies: reply(() => new proto.GetProgramDependenciesResponse()),
      runtimeOptionsPrompts: reply(() => new proto.RuntimeOptionsResponse()),
      getPluginInfo: reply(() => {
        const info = new PluginInfo();
        info.setVersion(sdkVersion("@pulumi/pulumi"));
        return info;
      }),
      about: reply(() => {
        const about = new proto.AboutResponse();
        about.setExecutable(process.execPath);
        about.setVersion(process.version);
        return about;
      }),
      installDependencies: (call) => call.end(),
      cancel: reply(() => {
        stop();
        return new Empty();
      }),
      runPlugin(call) {
        if (call.request.getKind() !== POLICY_PACK) {
          call.emit("error", {
            code: 12,
            details: `plugins of kind ${call.request.getKind()} are not served by this host`,
          });
          return;
        }
        const send = (field, value) => {
          const response = new proto.RunPluginResponse();
          response[`set${field}`](value);
          call.write(response);
        };
        const child = startPolicyPack(call.request);
        const running = { stop: () => child.kill("SIGTERM") };
        programs.add(running);
        child.stdout.on("data", (chunk) => send("Stdout", chunk));
        child.stderr.on("data", (chunk) => send("Stderr", chunk));
        call.on("cancelled", running.stop);
        child.once("close", (code) => {
          programs.delete(running);
          send("Exitcode", code ?? 1);
          call.end();
        });
      },
      async run(call, callback) {
        try {
          const program = runProgram(programCommand(call.request, engine));
          programs.add(program);
          const { bail, error } = await program.done;
          programs.delete(program);
          const response = new proto.RunResponse();
          response.setBail(bail);
          response.setError(error);
          callback(null, response);
        } catch (error) {
          callback({ code: 2, details: error.message });
        }
      },
    },
  };
}
