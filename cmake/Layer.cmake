# The options every target of the project is compiled with.
add_library(refsyncd_options INTERFACE)
target_include_directories(refsyncd_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
# Fields left out of a designated initializer have defaults in place, so -Wmissing-field-initializers only makes noise.
target_compile_options(refsyncd_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                                  -Wno-missing-field-initializers
                                                  $<$<BOOL:${REFSYNCD_WERROR}>:-Werror>)
target_compile_definitions(refsyncd_options INTERFACE REFSYNCD_VERSION="${PROJECT_VERSION}")
target_link_libraries(refsyncd_options INTERFACE Threads::Threads)
if(REFSYNCD_SANITIZE)
  list(JOIN REFSYNCD_SANITIZE "," sanitizers)
  target_compile_options(refsyncd_options INTERFACE -fsanitize=${sanitizers} -fno-omit-frame-pointer
                                                    -fno-sanitize-recover=all)
  target_link_options(refsyncd_options INTERFACE -fsanitize=${sanitizers})
  target_compile_definitions(refsyncd_options INTERFACE REFSYNCD_SANITIZED)  # for tests that must do less then
endif()

option(REFSYNCD_PRECOMPILE "Parse the headers of the standard and third-party libraries once (good with Clang, a loss with GCC)" OFF)
# With REFSYNCD_PRECOMPILE all targets of one kind (source, test) share one precompiled header, cmake/precompiled_<kind>.h.
# PRECOMPILED carries the compile options of the targets that reuse it, as the compiler demands.
function(refsyncd_precompiled kind)
  cmake_parse_arguments(precompiled "" "" "LIBRARIES;OPTIONS" ${ARGN})
  if(REFSYNCD_PRECOMPILE)
    file(CONFIGURE OUTPUT precompiled_${kind}.cc CONTENT "// Carries the precompiled header.\n")
    add_library(refsyncd_precompiled_${kind} STATIC ${CMAKE_CURRENT_BINARY_DIR}/precompiled_${kind}.cc)
    target_compile_options(refsyncd_precompiled_${kind} PRIVATE ${precompiled_OPTIONS})
    target_link_libraries(refsyncd_precompiled_${kind} PRIVATE refsyncd_options ${precompiled_LIBRARIES})
    target_precompile_headers(refsyncd_precompiled_${kind} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled_${kind}.h)
  endif()
endfunction()

function(refsyncd_reuse_precompiled target kind)
  if(REFSYNCD_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM refsyncd_precompiled_${kind})
  endif()
endfunction()

refsyncd_precompiled(source LIBRARIES fmt::fmt nlohmann_json::nlohmann_json)

if(REFSYNCD_FUZZ)
  target_compile_options(refsyncd_options INTERFACE -fsanitize=fuzzer-no-link)  # so that the fuzzer sees what it reaches
endif()

# refsyncd_layer(NAME SOURCES a.cc ... DEPENDS other layers ... LIBRARIES third-party targets ...)
# One static library a folder of src/. DEPENDS may name only layers that stand left of it in docs/architecture.md;
# contrib/check-layers verifies the includes.
function(refsyncd_layer name)
  cmake_parse_arguments(layer "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(refsyncd_${name} STATIC ${layer_SOURCES})
  target_link_libraries(refsyncd_${name} PUBLIC refsyncd_options ${layer_LIBRARIES})
  foreach(dependency IN LISTS layer_DEPENDS)
    target_link_libraries(refsyncd_${name} PUBLIC refsyncd_${dependency})
  endforeach()
  refsyncd_reuse_precompiled(refsyncd_${name} source)
endfunction()

# What is measured and debugged is the code under test.
set(refsyncd_test_options -O0 -g0)
if(REFSYNCD_TESTS)
  refsyncd_precompiled(test LIBRARIES fmt::fmt nlohmann_json::nlohmann_json GTest::gtest GTest::gmock
                            OPTIONS ${refsyncd_test_options})
endif()

# refsyncd_test(NAME SOURCES a.cc ... DEPENDS layers ... [LABEL unit] [THREADED [EXCEPT filter]] [TIMEOUT seconds]): one
# GoogleTest program, usually a folder of tests/. THREADED says that it is worth a run under the thread sanitizer, but for
# the tests that EXCEPT names, in GoogleTest's words.
function(refsyncd_test name)
  cmake_parse_arguments(test "THREADED" "EXCEPT;LABEL;TIMEOUT" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 120)
  endif()
  if(NOT test_LABEL)
    set(test_LABEL unit)
  endif()
  add_executable(${name}_tests ${test_SOURCES})
  target_include_directories(${name}_tests PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name}_tests PRIVATE refsyncd_options GTest::gtest_main GTest::gmock ${test_LIBRARIES})
  target_compile_options(${name}_tests PRIVATE ${refsyncd_test_options})
  foreach(dependency IN LISTS test_DEPENDS)
    target_link_libraries(${name}_tests PRIVATE refsyncd_${dependency})
  endforeach()
  refsyncd_reuse_precompiled(${name}_tests test)
  set_target_properties(${name}_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  set(filter)
  if(test_EXCEPT AND REFSYNCD_SANITIZE STREQUAL thread)
    set(filter --gtest_filter=-${test_EXCEPT})
  endif()
  add_test(NAME ${name} COMMAND ${name}_tests ${filter})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${test_TIMEOUT} LABELS "${test_LABEL};$<$<BOOL:${test_THREADED}>:threaded>"
                       ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/tsan.supp")
  add_dependencies(unit_tests ${name}_tests)
  if(test_THREADED)
    add_dependencies(threaded_tests ${name}_tests)
  endif()
endfunction()
