# librdkafka, a static library (.deps/rdkafka). Only src/catchwater/kafka sees its headers.
set(rdkafka_root "${CMAKE_SOURCE_DIR}/.deps/rdkafka")
if(NOT EXISTS "${rdkafka_root}/librdkafka.a")
  message(FATAL_ERROR "librdkafka is not there. Run: tools/setup build")
endif()
add_library(catchwater_rdkafka INTERFACE)
target_link_libraries(catchwater_rdkafka INTERFACE "${rdkafka_root}/librdkafka.a" pthread dl m rt)
add_library(catchwater_rdkafka_header INTERFACE)
target_include_directories(catchwater_rdkafka_header SYSTEM INTERFACE "${rdkafka_root}")
