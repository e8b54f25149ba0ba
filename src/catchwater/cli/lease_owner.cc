#include "catchwater/cli/lease_owner.h"

#include <unistd.h>

#include "catchwater/base/random.h"

namespace catchwater {

std::string LeaseOwner() {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return std::string(host) + "/" + std::to_string(getpid()) + "/" +
         Random::FromSystem().Uuid().substr(0, 8);
}

}  // namespace catchwater
