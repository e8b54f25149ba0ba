// `completion`: scripts for the shells, made from the command line's own tree.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "catchwater/cli/workspace.h"

namespace catchwater {
namespace {

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string VerbNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(verb->get_name());
  }
  return Joined(names);
}

/// Case lines of a shell: `run) words="--for ..." ;;`, for verbs and `ledger list`.
void AppendCases(const CLI::App& app, const std::string& prefix, std::string* text) {
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string path = prefix + verb->get_name();
    std::vector<std::string> words = OptionNames(*verb);
    const std::string below = VerbNames(*verb);
    if (!below.empty()) words.push_back(below);
    *text += "    '" + path + "') words=\"" + Joined(words) + "\" ;;\n";
    AppendCases(*verb, path + " ", text);
  }
}

std::string BashScript(const CLI::App& app) {
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
         Joined(OptionNames(app)) +
         "\" -- \"$current\"))\n"
         "  [[ $current != -* ]] && COMPREPLY+=($(compgen -f -- \"$current\"))\n"
         "}\n"
         "complete -o filenames -F _catchwater catchwater\n";
}

std::string ZshScript(const CLI::App& app) {
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

void AppendFish(const CLI::App& app, const std::string& condition, std::string* text) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      *text += "complete -c catchwater" + condition + " -l " + name + " -d " +
               FishQuoted(option->get_description()) + "\n";
    }
  }
}

std::string FishScript(const CLI::App& app) {
  std::string text = "# catchwater completion fish > ~/.config/fish/completions/catchwater.fish\n";
  AppendFish(app, "", &text);
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string seen = " -n '__fish_seen_subcommand_from " + verb->get_name() + "'";
    text += "complete -c catchwater -n __fish_use_subcommand -a " + verb->get_name() + " -d " +
            FishQuoted(verb->get_description()) + "\n";
    AppendFish(*verb, seen, &text);
    for (const CLI::App* below : verb->get_subcommands([](const CLI::App*) { return true; })) {
      text += "complete -c catchwater" + seen + " -a " + below->get_name() + " -d " +
              FishQuoted(below->get_description()) + "\n";
      AppendFish(*below, " -n '__fish_seen_subcommand_from " + below->get_name() + "'", &text);
    }
  }
  return text;
}

}  // namespace

void AddCompletionVerb(CLI::App& app, VerbContext& context) {
  auto* verb = app.add_subcommand("completion", "Print the completion script of a shell");
  auto shell = std::make_shared<std::string>();
  verb->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  verb->callback([&context, &app, shell] {
    context.run = [&app, shell] {
      std::cout << (*shell == "bash"  ? BashScript(app)
                    : *shell == "zsh" ? ZshScript(app)
                                      : FishScript(app));
      return ExitCode::kOk;
    };
  });
}

}  // namespace catchwater
