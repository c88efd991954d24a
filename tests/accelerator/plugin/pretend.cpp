// A pretend accelerator: torch's PrivateUse1 device over host memory, whose operations run on the CPU.
//
// It behaves as accelerators do where it matters to a program that moves tensors about: tensors of two devices do not
// mix, and by switches of the environment it has no float64, dies of an index past the end, or copies strided views
// wrong (README.md).

#include <ATen/EmptyTensor.h>
#include <ATen/autocast_mode.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_cpu_dispatch.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_as_complex_native.h>
#include <ATen/ops/view_as_real_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <pybind11/pybind11.h>
#include <torch/csrc/profiler/stubs/base.h>
#include <torch/library.h>

#include <cstdlib>
#include <cstring>
#include <set>

namespace {

constexpr auto KIND = c10::DeviceType::PrivateUse1;
const c10::Device DEVICE(KIND, 0);

bool switched_on(const char* name) {
  const char* value = std::getenv(name);
  return value && *value && std::strcmp(value, "0") != 0;
}

const bool NO_FLOAT64 = switched_on("PRETEND_NO_FLOAT64");
const bool ASSERTS = switched_on("PRETEND_ASSERTS");
const bool STRIDED_COPIES = switched_on("PRETEND_STRIDED_COPIES");

bool dead = false;                  // an index past the end was read, and nothing runs any more in this process
thread_local bool computing = false;  // inside an operation, whose own copies to and from the CPU are right

void check_alive() {
  if (dead)
    throw c10::AcceleratorError(
        {__func__, __FILE__, __LINE__}, 710, "pretend error: device-side assert triggered, in this call or an earlier one");
}

// Memory

struct HostMemory final : c10::Allocator {
  c10::DataPtr allocate(size_t n) override {
    void* data = c10::GetCPUAllocator()->raw_allocate(n);
    return {data, data, [](void* held) { c10::GetCPUAllocator()->raw_deallocate(held); }, DEVICE};
  }
  void copy_data(void* to, const void* from, size_t n) const override { std::memcpy(to, from, n); }
};
HostMemory memory;
REGISTER_ALLOCATOR(KIND, &memory)

void check_dtype(at::ScalarType dtype) {
  TORCH_CHECK_TYPE(!NO_FLOAT64 || (dtype != at::kDouble && dtype != at::kComplexDouble),
      "Cannot convert a pretend Tensor to float64 dtype as the pretend framework doesn't support float64. "
      "Please use float32 instead.");
}

at::Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
    std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  auto kind = at::dtype_or_default(dtype);
  check_dtype(kind);
  return at::detail::empty_generic(size, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), kind, format);
}

at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> dtype,
    std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  auto kind = at::dtype_or_default(dtype);
  check_dtype(kind);
  return at::detail::empty_strided_generic(
      size, stride, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), kind);
}

// Copies

at::Tensor on_host(const at::Tensor& tensor) {  // the same memory, seen as a tensor of the CPU
  if (tensor.device() != DEVICE) return tensor;
  auto seen = at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(), tensor.options().device(at::kCPU));
  seen._set_conj(tensor.is_conj());
  seen._set_neg(tensor.is_neg());
  return seen;
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  if (!computing) check_alive();
  bool gaps = from.device() == DEVICE && !from.is_contiguous() && from.dtype() == to.dtype();
  if (STRIDED_COPIES && !computing && gaps && to.is_cpu())  // what lies there, gaps and all
    std::memcpy(to.data_ptr(), from.data_ptr(), from.numel() * from.element_size());
  else
    on_host(to).copy_(on_host(from));
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  to.resize_(from.sizes());
  return copy_from(from, to, false);
}

at::Scalar local_scalar(const at::Tensor& tensor) {
  check_alive();
  return on_host(tensor).item();
}

// Operations

const std::set<std::string> INDEXING{"aten::index", "aten::index_select", "aten::gather", "aten::embedding",
    "aten::take", "aten::_index_put_impl_", "aten::index_add", "aten::index_copy", "aten::scatter", "aten::scatter_add"};

template <class Visit>
void visit_tensors(torch::jit::Stack& stack, size_t from, Visit visit) {
  for (size_t i = from; i < stack.size(); i++) {
    if (stack[i].isTensor() && stack[i].toTensor().defined()) visit(stack[i].toTensor());
    if (stack[i].isTensorList())
      for (const at::Tensor& tensor : stack[i].toTensorVector()) visit(tensor);
    if (stack[i].isOptionalTensorList())
      for (const std::optional<at::Tensor>& tensor : stack[i].toOptionalTensorVector())
        if (tensor && tensor->defined()) visit(*tensor);
  }
}

void check_devices(const std::string& name, torch::jit::Stack& stack, size_t from) {
  bool indexes = name == "aten::index" || name == "aten::_index_put_impl_";  // which take indices from the CPU
  bool first = true, self_is_here = false;
  visit_tensors(stack, from, [&](const at::Tensor& tensor) {
    if (first) self_is_here = tensor.device() == DEVICE;
    bool fits = tensor.device() == DEVICE || (tensor.is_cpu() && tensor.dim() == 0 && name != "aten::cat") ||
        (indexes && self_is_here && tensor.scalar_type() == at::kLong);
    first = false;
    TORCH_CHECK(fits, "Expected all tensors to be on the same device, but found at least two devices, ", DEVICE, " and ",
        tensor.device(), "! (when checking arguments of ", name, ")");
  });
}

// An index past the end does not raise here: the device dies of it, and whoever waits for it next is told.
void index_to_death(const c10::OperatorHandle& op, torch::jit::Stack* stack, const torch::jit::Stack& given) {
  dead = true;
  *stack = given;
  auto zeros = [](const at::Tensor& tensor) { return tensor.scalar_type() == at::kLong ? tensor.mul(0) : tensor; };
  for (size_t i = stack->size() - op.schema().arguments().size() + 1; i < stack->size(); i++) {
    auto& value = (*stack)[i];
    if (value.isTensor() && value.toTensor().defined()) value = zeros(value.toTensor());
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> indices;
      for (const std::optional<at::Tensor>& index : value.toOptionalTensorVector())
        indices.push_back(index ? std::optional(zeros(*index)) : index);
      value = indices;
    }
  }
  at::native::cpu_fallback(op, stack);
}

void run_on_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  if (computing) return at::native::cpu_fallback(op, stack);
  check_alive();
  const std::string& name = op.schema().name();
  check_devices(name, *stack, stack->size() - op.schema().arguments().size());
  struct Computing {
    Computing() { computing = true; }
    ~Computing() { computing = false; }
  } here;
  if (!ASSERTS || !INDEXING.count(name)) return at::native::cpu_fallback(op, stack);
  torch::jit::Stack given = *stack;
  try {
    at::native::cpu_fallback(op, stack);
  } catch (const c10::Error& error) {
    std::string message = error.what();
    if (message.find("out of range") == message.npos && message.find("out of bounds") == message.npos) throw;
    index_to_death(op, stack, given);
  }
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>()); }

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("_copy_from", copy_from);
  m.impl("_copy_from_and_resize", copy_from_and_resize);
  m.impl("_local_scalar_dense", local_scalar);
  m.impl("as_strided", at::cpu::as_strided);
  m.impl("view", at::native::view);
  m.impl("_reshape_alias", at::native::_reshape_alias);
  m.impl("view_as_real", at::native::view_as_real);
  m.impl("view_as_complex", at::native::view_as_complex);
  m.impl("unfold", at::native::unfold);
  m.impl("resize_", at::native::resize_);
  m.impl("set_.source_Tensor", at::native::set_tensor_);
  m.impl("set_.source_Storage_storage_offset", at::native::set_storage_cpu_);
}

// A copy makes real what is conjugate or negative by a mark alone; it cannot have it made real by a copy first.
TORCH_LIBRARY_IMPL(aten, Conjugate, m) { m.impl("_copy_from", torch::CppFunction::makeFallthrough()); }
TORCH_LIBRARY_IMPL(aten, Negative, m) { m.impl("_copy_from", torch::CppFunction::makeFallthrough()); }

TORCH_LIBRARY_IMPL(_, AutocastPrivateUse1, m) { m.fallback(torch::CppFunction::makeFallthrough()); }

TORCH_LIBRARY_IMPL(aten, AutocastPrivateUse1, m) {
#define LOWER(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, lower_precision_fp)
  LOWER(matmul) LOWER(mm) LOWER(mv) LOWER(bmm) LOWER(addmm) LOWER(linear) LOWER(baddbmm) LOWER(einsum)
#undef LOWER
}

// The device, of which there is one, with one stream

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return KIND; }
  c10::Device exchangeDevice(c10::Device) const override { return DEVICE; }
  c10::Device getDevice() const override { return DEVICE; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return c10::Stream(c10::Stream::DEFAULT, DEVICE); }
  c10::Stream getDefaultStream(c10::Device device) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void synchronizeDevice(c10::DeviceIndex) const override { check_alive(); }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::Device getDeviceFromPtr(void*) const override { return DEVICE; }
  void resizePrivateUse1Bytes(const c10::Storage& storage, size_t size) const override {
    at::DataPtr grown = memory.allocate(size);
    std::memcpy(grown.get(), storage.data(), std::min(size, storage.nbytes()));
    storage.set_data_ptr(std::move(grown));
    storage.set_nbytes(size);
  }
};
Hooks hooks;
const bool registered = (at::RegisterPrivateUse1HooksInterface(&hooks), true);

// Its profiler, which sees nothing. Without one, torch makes and prints an error at each operation, for 30 ms.

using Event = torch::profiler::impl::ProfilerVoidEventStub;

struct Blind final : torch::profiler::impl::ProfilerStubs {
  void record(c10::DeviceIndex*, Event*, int64_t*) const override {}
  float elapsed(const Event*, const Event*) const override { return 0; }
  void mark(const char*) const override {}
  void rangePush(const char*) const override {}
  void rangePop() const override {}
  bool enabled() const override { return true; }
  void onEachDevice(std::function<void(int)> visit) const override { visit(0); }
  void synchronize() const override {}
};
Blind blind;
const bool watched = (torch::profiler::impl::registerPrivateUse1Methods(&blind), true);

}  // namespace

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("synchronize", [] { check_alive(); }); }
