# Turns layers.toml into targets. A module `a/b` is the static library catchwater_a_b, made of all
# *.cc under src/catchwater/a/b; its *_test.cc are the program a_b_test; each *_fuzz.cc is a fuzz
# program. cmake/modules.py reads the file and calls the functions below.
include(GoogleTest)

# Precompiled headers, shared by all modules; the second has GoogleTest, for tests.
# Only what nearly every source uses: templates that a header leaves pending are instantiated again in
# every source (Arrow's compute headers cost 0.3 s each time).
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/pch.cc" CONTENT "// Only carries the precompiled headers.\n")
set(pch_headers
  <algorithm> <array> <atomic> <chrono> <cstddef> <cstdint> <cstring> <functional> <limits> <map>
  <memory> <mutex> <optional> <set> <span> <string> <string_view> <tuple> <unordered_map> <utility>
  <variant> <vector> <arrow/api.h>)
add_library(catchwater_pch STATIC "${CMAKE_BINARY_DIR}/pch.cc")
target_link_libraries(catchwater_pch PUBLIC catchwater_arrow)
target_precompile_headers(catchwater_pch PRIVATE ${pch_headers})
# Tests are compiled with less effort than the program: their own speed does not matter.
set(CATCHWATER_TEST_OPTIONS "")
if(CMAKE_CXX_FLAGS MATCHES "-O3")
  set(CATCHWATER_TEST_OPTIONS -O1)
endif()
add_library(catchwater_test_pch STATIC "${CMAKE_BINARY_DIR}/pch.cc")
target_link_libraries(catchwater_test_pch PUBLIC catchwater_arrow)
target_compile_options(catchwater_test_pch PRIVATE ${CATCHWATER_TEST_OPTIONS})
target_precompile_headers(catchwater_test_pch PRIVATE ${pch_headers} <gtest/gtest.h> <gmock/gmock.h>)

# catchwater_library(NAME SOURCES KEY key PATH folder DEPENDS LIBRARY...): NAME from its sources, an
# interface of its headers while there are none. KEY selects its row in External.cmake.
function(catchwater_library name sources)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "KEY;PATH" "DEPENDS")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_precompile_headers(${name} REUSE_FROM catchwater_pch)
    target_link_libraries(${name} PUBLIC catchwater_arrow ${arg_DEPENDS} ${CATCHWATER_EXTERNAL_${arg_KEY}}
      PRIVATE ${CATCHWATER_PRIVATE_${arg_KEY}})
    target_compile_definitions(${name} PUBLIC ${CATCHWATER_DEFINITIONS_${arg_KEY}})
  else()
    file(GLOB_RECURSE headers "${CMAKE_SOURCE_DIR}/src/catchwater/${arg_PATH}/*.h")
    add_library(${name} INTERFACE ${headers})  # Only a library with sources can be asked for by name.
    target_link_libraries(${name} INTERFACE catchwater_arrow ${arg_DEPENDS} ${CATCHWATER_EXTERNAL_${arg_KEY}})
    target_compile_definitions(${name} INTERFACE ${CATCHWATER_DEFINITIONS_${arg_KEY}})
  endif()
endfunction()

# catchwater_module(PATH DEPENDS LIBRARY... TESTING LIBRARY...): TESTING is what its tests use
# beside the module itself.
function(catchwater_module path)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;TESTING")
  string(REPLACE "/" "_" key "${path}")
  set(folder "${CMAKE_SOURCE_DIR}/src/catchwater/${path}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cc")
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|_fuzz)\\.cc$|/cli/main\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  catchwater_library(catchwater_${key} "${sources}" KEY ${key} PATH ${path} DEPENDS ${arg_DEPENDS})
  if(tests AND NOT CATCHWATER_FUZZ)
    catchwater_test(${key}_test "${tests}" ${arg_TESTING} catchwater_${key} ${CATCHWATER_PRIVATE_${key}})
  endif()
  foreach(fuzzer ${fuzzers})
    cmake_path(GET fuzzer STEM stem)
    catchwater_fuzzer(${key}_${stem} "${fuzzer}" catchwater_${key} ${CATCHWATER_PRIVATE_${key}})
  endforeach()
endfunction()

# catchwater_fuzzer(NAME SOURCE LIBRARY...): with the preset `fuzz` a program of libFuzzer, else one
# that runs the same function once on each file of its saved corpus (`tools/test replay`).
add_custom_target(fuzzers)
function(catchwater_fuzzer name source)
  add_executable(${name} EXCLUDE_FROM_ALL "${source}")
  target_link_libraries(${name} PRIVATE ${ARGN})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  if(CATCHWATER_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE "${CMAKE_SOURCE_DIR}/test/fuzz/replay_main.cc")
    target_compile_options(${name} PRIVATE ${CATCHWATER_TEST_OPTIONS})
  endif()
  add_dependencies(fuzzers ${name})
endfunction()

# catchwater_test(NAME SOURCES LIBRARY...): one program of tests, run from the top of the tree.
function(catchwater_test name sources)
  add_executable(${name} ${sources})
  target_precompile_headers(${name} REUSE_FROM catchwater_test_pch)
  target_compile_options(${name} PRIVATE ${CATCHWATER_TEST_OPTIONS})
  target_link_libraries(${name} PRIVATE ${ARGN} rapidcheck gmock gtest gtest_main pthread)
  # Under a sanitizer a test takes up to ten times as long.
  set(timeout 120)
  if(CMAKE_CXX_FLAGS MATCHES "fsanitize")
    set(timeout 1200)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}" TEST_PREFIX "${name}." PROPERTIES TIMEOUT ${timeout})
endfunction()

# Every header alone in a source of its own, without the precompiled header: what it uses, it
# includes. Not part of the default build.
function(catchwater_header_check)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/src"
    "${CMAKE_SOURCE_DIR}/src/catchwater/*.h")
  set(sources)
  foreach(header ${headers})
    string(REPLACE "/" "_" name "${header}")
    set(source "${CMAKE_BINARY_DIR}/header_check/${name}.cc")
    file(CONFIGURE OUTPUT "${source}" @ONLY
      CONTENT "#include \"@header@\"\n#include \"@header@\"  // Twice: it has its guard.\n")
    list(APPEND sources "${source}")
  endforeach()
  if(NOT sources)
    add_custom_target(header_check)
    return()
  endif()
  add_library(header_check OBJECT EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(header_check PRIVATE catchwater_arrow catchwater_duckdb_header catchwater_rdkafka_header)
  target_compile_definitions(header_check PRIVATE ${CATCHWATER_DEFINITIONS_base}
    ${CATCHWATER_DEFINITIONS_telemetry} ${CATCHWATER_DEFINITIONS_codec_json})
  target_compile_options(header_check PRIVATE -O0)
endfunction()

# New files under testing/ are noticed; modules.py reads them itself.
file(GLOB_RECURSE testing_files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/catchwater/testing/*")
execute_process(
  COMMAND "${CATCHWATER_PYTHON}" "${CMAKE_SOURCE_DIR}/cmake/modules.py"
    "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/modules.cmake"
  COMMAND_ERROR_IS_FATAL ANY)
include("${CMAKE_BINARY_DIR}/modules.cmake")
catchwater_header_check()

# Programs under bench/: not part of the default build; `benches` makes all.
add_custom_target(benches)
file(GLOB benches CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/bench/*_bench.cc")
foreach(bench ${benches})
  cmake_path(GET bench STEM stem)
  add_executable(${stem} EXCLUDE_FROM_ALL "${bench}")
  target_precompile_headers(${stem} REUSE_FROM catchwater_pch)
  target_link_libraries(${stem} PRIVATE catchwater_cli benchmark pthread)
  add_dependencies(benches ${stem})
endforeach()
# It measures what a test proves for some seeds.
target_link_libraries(stations_bench PRIVATE catchwater_testing_station_proof)
target_link_libraries(step_bench PRIVATE catchwater_testing_fake_clock
  catchwater_testing_memory_files)
