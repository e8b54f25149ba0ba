#include "catchwater/cli/command.h"

#include <algorithm>
#include <iostream>
#include <limits>
#include <span>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "catchwater/base/error.h"
#include "catchwater/cli/help.h"
#include "catchwater/cli/verb.h"
#include "catchwater/config/diagnostic.h"

namespace catchwater {
namespace {

/// "ledger list" of the words below the program, the program's name of itself.
std::string PathOf(const CLI::App& app) {
  const CLI::App* const parent = app.get_parent();
  if (parent == nullptr || parent->get_parent() == nullptr) return app.get_name();
  return PathOf(*parent) + " " + app.get_name();
}

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    std::string help = CLI::Formatter::make_help(app, std::move(name), mode);
    const std::string_view examples = ExamplesOf(PathOf(*app));
    if (mode != CLI::AppFormatMode::Normal || examples.empty()) return help;
    return "Examples:\n" + std::string(examples) + "\n" + help;
  }
};

/// The first word of a command line that has no place in it, and the command that it stands behind.
struct Unplaced {
  const CLI::App* app = nullptr;
  std::string word;  ///< Empty: all have one.
};

const CLI::Option* FindOption(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent()) {
    if (const CLI::Option* option = app->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

std::vector<const CLI::App*> SubsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

Unplaced FindUnplaced(const CLI::App& program, std::span<char* const> words) {
  Unplaced at{.app = &program, .word = ""};
  size_t placed_count = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i];
    if (word.size() > 1 && word[0] == '-') {
      const std::string name = word.substr(0, word.find('='));
      const CLI::Option* const option = FindOption(at.app, name);
      if (option == nullptr) return {.app = at.app, .word = name};
      if (option->get_items_expected_max() > 0 && name == word) ++i;  // Its value.
      continue;
    }
    const auto subs = SubsOf(*at.app);
    const auto sub = std::find_if(subs.begin(), subs.end(), [&](const CLI::App* candidate) {
      return candidate->get_name() == word;
    });
    if (sub != subs.end()) {
      at.app = *sub;
      continue;
    }
    const auto options =
        at.app->get_options([](const CLI::Option* option) { return option->get_positional(); });
    if (!subs.empty() || ++placed_count > options.size()) return {.app = at.app, .word = word};
  }
  return at;
}

std::vector<std::string> OptionNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

void PrintNearest(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string_view nearest = Nearest(word, candidates);
  if (!nearest.empty()) std::cerr << "  = help: did you mean `" << nearest << "`?\n";
}

/// Says what is wrong with a line that does not parse, and what to write.
void ExplainLine(const CLI::App& program, std::span<char* const> words,
                 const CLI::ParseError& error) {
  const Unplaced at = FindUnplaced(program, words);
  const std::string path = PathOf(*at.app);
  const std::string whole = at.app == &program ? path : program.get_name() + " " + path;
  std::vector<std::string> subs;
  std::string list;
  for (const CLI::App* sub : SubsOf(*at.app)) {
    subs.push_back(sub->get_name());
    list += (list.empty() ? "" : ", ") + subs.back();
  }
  if (at.word.empty() && !subs.empty()) {
    std::cerr << "error: `" << path << "` needs one of: " << list << "\n";
  } else if (at.word.empty()) {
    std::cerr << "error: " << error.what() << "\n";
  } else if (at.word[0] == '-') {
    std::cerr << "error: there is no option `" << at.word << "` of `" << path << "`\n";
    PrintNearest(at.word, OptionNames(at.app));
  } else if (!subs.empty()) {
    std::cerr << "error: there is no verb `" << at.word << "`"
              << (at.app == &program ? "" : " of `" + path + "`") << "\n";
    PrintNearest(at.word, subs);
    if (at.app != &program) std::cerr << "  = note: verbs: " << list << "\n";
  } else {
    std::cerr << "error: `" << path << "` has no place for the word `" << at.word << "`\n";
    const CLI::Option* const project = at.app->get_option_no_throw("--project");
    if (project != nullptr && !project->get_positional()) {
      std::cerr << "  = help: `" << path << "` takes the project as --project DIR\n";
    }
  }
  std::cerr << "  = help: `" << whole << " --help` shows examples and options\n";
}

CLI::Option& OptionOf(void* option) { return *static_cast<CLI::Option*>(option); }

}  // namespace

struct Command::State {
  std::unique_ptr<CLI::App> owned;  ///< The program's; null for what stands below.
  CLI::App* app = nullptr;
  std::vector<std::unique_ptr<Command>> subs{};
  std::function<ExitCode()>* chosen = nullptr;  ///< The program's `run`, set by parsing.
  std::function<ExitCode()> run{};
};

OptionRules& OptionRules::Required() {
  OptionOf(option_).required();
  return *this;
}

OptionRules& OptionRules::OneOf(std::vector<std::string> words) {
  OptionOf(option_).check(CLI::IsMember(std::move(words)));
  return *this;
}

OptionRules& OptionRules::AtLeast(int64_t least) {
  return Within(least, std::numeric_limits<int64_t>::max());
}

OptionRules& OptionRules::Within(int64_t least, int64_t most) {
  OptionOf(option_).check(CLI::Range(least, most));
  return *this;
}

OptionRules& OptionRules::WithinFractions(double least, double most) {
  OptionOf(option_).check(CLI::Range(least, most));
  return *this;
}

OptionRules& OptionRules::Words(int least, int most) {
  OptionOf(option_).allow_extra_args(true)->expected(least, most);
  return *this;
}

Command::Command(std::unique_ptr<State> state) : state_(std::move(state)) {}
Command::~Command() = default;

std::unique_ptr<Command> Command::MakeProgram(std::string name, std::string summary) {
  auto state = std::make_unique<State>();
  state->owned = std::make_unique<CLI::App>(std::move(summary), std::move(name));
  state->app = state->owned.get();
  state->app->formatter(std::make_shared<HelpFormatter>());
  state->app->fallthrough();
  state->chosen = &state->run;
  return std::unique_ptr<Command>(new Command(std::move(state)));
}

Command& Command::Sub(const std::string& name, const std::string& summary) {
  auto state = std::make_unique<State>();
  state->app = state_->app->add_subcommand(name, summary);
  state->chosen = state_->chosen;
  state_->subs.push_back(std::unique_ptr<Command>(new Command(std::move(state))));
  return *state_->subs.back();
}

void Command::Version(const std::string& text) {
  state_->app->set_version_flag("--version", text, "Print the version");
}

void Command::RequireSub() { state_->app->require_subcommand(1); }
void Command::Footer(const std::string& text) { state_->app->footer(text); }

template <class Target>
OptionRules Command::Add(const std::string& name, Target& target, const std::string& help) {
  return OptionRules(state_->app->add_option(name, target, help));
}

OptionRules Command::Option(const std::string& name, std::string& target, const std::string& help) {
  return Add(name, target, help);
}
OptionRules Command::Option(const std::string& name, std::vector<std::string>& target,
                            const std::string& help) {
  return OptionRules(
      state_->app->add_option(name, target, help)->allow_extra_args(false)->take_all());
}
OptionRules Command::Option(const std::string& name, int32_t& target, const std::string& help) {
  return Add(name, target, help);
}
OptionRules Command::Option(const std::string& name, int64_t& target, const std::string& help) {
  return Add(name, target, help);
}
OptionRules Command::Option(const std::string& name, uint64_t& target, const std::string& help) {
  return Add(name, target, help);
}
OptionRules Command::Option(const std::string& name, double& target, const std::string& help) {
  return Add(name, target, help);
}

void Command::Flag(const std::string& name, bool& target, const std::string& help) {
  state_->app->add_flag(name, target, help);
}

void Command::Runs(std::function<ExitCode()> run) {
  state_->app->callback(
      [chosen = state_->chosen, run = std::move(run)]() mutable { *chosen = std::move(run); });
}

ExitCode Command::Main(int argc, char** argv) {
  try {
    state_->app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return static_cast<ExitCode>(state_->app->exit(error));
    ExplainLine(*state_->app, std::span(argv, static_cast<size_t>(argc)).subspan(1), error);
    return ExitCode::kUsage;
  }
  CATCHWATER_CHECK(state_->run != nullptr, "every verb says what it runs");
  return state_->run();
}

std::string Command::name() const { return state_->app->get_name(); }
std::string Command::summary() const { return state_->app->get_description(); }

std::vector<OptionView> Command::options() const {
  std::vector<OptionView> views;
  for (const CLI::Option* option : std::as_const(*state_->app).get_options()) {
    views.push_back({.long_names = option->get_lnames(), .help = option->get_description()});
  }
  return views;
}

std::vector<const Command*> Command::subs() const {
  std::vector<const Command*> subs;
  for (const auto& sub : state_->subs) subs.push_back(sub.get());
  return subs;
}

}  // namespace catchwater
