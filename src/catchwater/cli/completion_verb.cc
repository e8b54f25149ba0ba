// `completion`: scripts for the shells, made from the command line's own tree.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "catchwater/base/text.h"
#include "catchwater/cli/workspace.h"

namespace catchwater {
namespace {

std::vector<std::string> OptionNames(const Command& app) {
  std::vector<std::string> names;
  for (const OptionView& option : app.options()) {
    for (const std::string& name : option.long_names) names.push_back("--" + name);
  }
  return names;
}

std::string VerbNames(const Command& app) {
  std::vector<std::string> names;
  for (const Command* verb : app.subs()) {
    names.push_back(verb->name());
  }
  return JoinWords(names, " ");
}

/// Case lines of a shell: `run) words="--for ..." ;;`, for verbs and `ledger list`.
void AppendCases(const Command& app, const std::string& prefix, std::string* text) {
  for (const Command* verb : app.subs()) {
    const std::string path = prefix + verb->name();
    std::vector<std::string> words = OptionNames(*verb);
    const std::string below = VerbNames(*verb);
    if (!below.empty()) words.push_back(below);
    *text += "    '" + path + "') words=\"" + JoinWords(words, " ") + "\" ;;\n";
    AppendCases(*verb, path + " ", text);
  }
}

std::string BashScript(const Command& app) {
  std::string cases;
  AppendCases(app, "", &cases);
  return "# catchwater completion bash > /etc/bash_completion.d/catchwater\n"
         "_catchwater() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" word words\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"$word\" in -*) ;; *) [[ ${#path} -lt 24 ]] && path=\"${path:+$path }$word\" "
         ";; "
         "esac\n"
         "  done\n"
         "  while :; do\n"
         "    words=\"\"\n"
         "    case \"$path\" in\n"
         "    '') words=\"" +
         VerbNames(app) + "\" ;;\n" + cases +
         "    esac\n"
         "    [[ -n $words || -z $path ]] && break\n"
         "    [[ $path == *' '* ]] && path=\"${path% *}\" || path=\"\"\n"
         "  done\n"
         "  COMPREPLY=($(compgen -W \"$words " +
         JoinWords(OptionNames(app), " ") +
         "\" -- \"$current\"))\n"
         "  [[ $current != -* ]] && COMPREPLY+=($(compgen -f -- \"$current\"))\n"
         "}\n"
         "complete -o filenames -F _catchwater catchwater\n";
}

std::string ZshScript(const Command& app) {
  return "#compdef catchwater\n# catchwater completion zsh > \"${fpath[1]}/_catchwater\"\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         BashScript(app);
}

std::string FishQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

void AppendFish(const Command& app, const std::string& condition, std::string* text) {
  for (const OptionView& option : app.options()) {
    for (const std::string& name : option.long_names) {
      *text += "complete -c catchwater" + condition + " -l " + name + " -d " +
               FishQuoted(option.help) + "\n";
    }
  }
}

std::string FishScript(const Command& app) {
  std::string text = "# catchwater completion fish > ~/.config/fish/completions/catchwater.fish\n";
  AppendFish(app, "", &text);
  for (const Command* verb : app.subs()) {
    const std::string seen = " -n '__fish_seen_subcommand_from " + verb->name() + "'";
    text += "complete -c catchwater -n __fish_use_subcommand -a " + verb->name() + " -d " +
            FishQuoted(verb->summary()) + "\n";
    AppendFish(*verb, seen, &text);
    for (const Command* below : verb->subs()) {
      text += "complete -c catchwater" + seen + " -a " + below->name() + " -d " +
              FishQuoted(below->summary()) + "\n";
      AppendFish(*below, " -n '__fish_seen_subcommand_from " + below->name() + "'", &text);
    }
  }
  return text;
}

}  // namespace

void AddCompletionVerb(Command& program, GlobalOptions& /*globals*/) {
  Command& verb = program.Sub("completion", "Print the completion script of a shell");
  auto shell = std::make_shared<std::string>();
  verb.Option("shell", *shell, "bash, zsh or fish").Required().OneOf({"bash", "zsh", "fish"});
  verb.Runs([&program, shell] {
    std::cout << (*shell == "bash"  ? BashScript(program)
                  : *shell == "zsh" ? ZshScript(program)
                                    : FishScript(program));
    return ExitCode::kOk;
  });
}

}  // namespace catchwater
