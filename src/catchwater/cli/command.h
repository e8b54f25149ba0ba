/// \file
/// A verb's place on the command line. Stands before CLI11, so that only command.cc compiles that
/// header, which costs every source that sees it ten seconds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace catchwater {

enum class ExitCode : int;

/// What can be given after a verb.
struct OptionView {
  std::vector<std::string> long_names;  ///< Without dashes; empty for a word by its place.
  std::string help;
};

/// Bounds of the option that was added last; immutable once parsing began. One thread at a time.
class OptionRules {
 public:
  explicit OptionRules(void* option) : option_(option) {}
  OptionRules& Required();
  OptionRules& OneOf(std::vector<std::string> words);
  OptionRules& AtLeast(int64_t least);
  OptionRules& Within(int64_t least, int64_t most);
  OptionRules& WithinFractions(double least, double most);
  /// How many words a list takes. Without it a list takes one each time it is named.
  OptionRules& Words(int least, int most);

 private:
  void* option_;  // A CLI::Option, owned by its command.
};

/// The program, a verb, or a word below a verb (`ledger list`). Targets of options must outlive the
/// program; they keep their value when the option is not given. One thread at a time.
class Command {
 public:
  /// The program itself, with `--help` in our form.
  static std::unique_ptr<Command> MakeProgram(std::string name, std::string summary);
  ~Command();

  /// Owned by this command.
  Command& Sub(const std::string& name, const std::string& summary);
  /// The program only: `--version` prints the text and ends.
  void Version(const std::string& text);
  /// One of the words below must be given.
  void RequireSub();
  void Footer(const std::string& text);

  /// `--name` or `-n,--name` takes a value; a name without dashes is taken by its place.
  OptionRules Option(const std::string& name, std::string& target, const std::string& help);
  OptionRules Option(const std::string& name, std::vector<std::string>& target,
                     const std::string& help);
  OptionRules Option(const std::string& name, int32_t& target, const std::string& help);
  OptionRules Option(const std::string& name, int64_t& target, const std::string& help);
  OptionRules Option(const std::string& name, uint64_t& target, const std::string& help);
  OptionRules Option(const std::string& name, double& target, const std::string& help);
  void Flag(const std::string& name, bool& target, const std::string& help);

  /// What the program does when it was called by this command.
  void Runs(std::function<ExitCode()> run);

  /// The program only: parses, then runs. A wrong line is explained on standard error.
  ExitCode Main(int argc, char** argv);

  std::string name() const;
  std::string summary() const;
  std::vector<OptionView> options() const;
  std::vector<const Command*> subs() const;

 private:
  struct State;
  explicit Command(std::unique_ptr<State> state);
  template <class Target>
  OptionRules Add(const std::string& name, Target& target, const std::string& help);

  std::unique_ptr<State> state_;
};

}  // namespace catchwater
