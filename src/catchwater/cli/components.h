/// \file
/// The list of all components of this program.
#pragma once

#include "catchwater/component/registry.h"

namespace catchwater {

/// Deleting a component is deleting its folder and its line here.
arrow::Status RegisterComponents(Registry& registry);

}  // namespace catchwater
