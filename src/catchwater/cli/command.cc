#include "catchwater/cli/command.h"

#include <algorithm>
#include <iostream>
#include <limits>
#include <utility>

#include <CLI/CLI.hpp>

#include "catchwater/base/error.h"
#include "catchwater/cli/help.h"
#include "catchwater/cli/verb.h"
#include "catchwater/config/diagnostic.h"

namespace catchwater {
namespace {

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    std::string help = CLI::Formatter::make_help(app, std::move(name), mode);
    const std::string_view examples = ExamplesOf(app->get_name());
    if (mode != CLI::AppFormatMode::Normal || examples.empty()) return help;
    return "Examples:\n" + std::string(examples) + "\n" + help;
  }
};

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
  std::vector<std::string> verbs;
  for (const auto& sub : state_->subs) verbs.push_back(sub->name());
  const std::string word = argc < 2 || argv[1][0] == '-' ? "" : argv[1];
  if (!word.empty() && std::find(verbs.begin(), verbs.end(), word) == verbs.end()) {
    const std::string_view nearest = Nearest(word, verbs);
    std::cerr << "error: there is no verb `" << word << "`\n";
    if (!nearest.empty()) std::cerr << "  = help: did you mean `" << nearest << "`?\n";
    std::cerr << "  = help: `" << name() << " --help` lists the verbs\n";
    return ExitCode::kUsage;
  }
  try {
    state_->app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return static_cast<ExitCode>(state_->app->exit(error));
    std::cerr << "error: " << error.what() << "\n  = help: add --help for examples and options\n";
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
