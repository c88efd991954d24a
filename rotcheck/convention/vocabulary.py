"""What the parameters of rotary functions and modules are called in the field:
the one list of such names."""

import re

Names = re.Pattern[str]


def _names(patterns: str) -> Names:
    """What matches any of these, separated by white space,
    each a regular expression for a whole name."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns.split()))


def is_named(name: str, names: Names) -> bool:
    """Whether a parameter's name is one of these, in upper or lower case."""
    return names.fullmatch(name) is not None or names.fullmatch(name.lower()) is not None


QKV = _names("qkv mixed_x mixed_layer packed")
_NO_SIZE = r"(?!(d|n|num|dim)_|.*(len|length|dim|size)s?(_?[qkv])?$)"  # q_len and d_k are numbers
QUERY = _names(f"{_NO_SIZE}(q|q_.*|xq|qw|.*_q|quer(y|ies).*|qs|qh|tensor_q|inp_q)")
KEY = _names(f"{_NO_SIZE}(k|k_.*|xk|kw|.*_k|keys?.*|ks|kh|tensor_k)")
VALUE = _names(f"{_NO_SIZE}(v|v_.*|xv|.*_v|values?.*|vs|vh)")
TENSOR = _names(
    "x.* t tensor.* tokens inp(ut)?s?.* hidden.* states? u h a feat.* z y data vec.* arr.* device_tensor ref src"
)

# a pair of tables, most often
EMBEDDINGS = _names("(?!max).*(position|pos|rotary|rope)(al)?_(emb|enc).*")
COS_AND_SIN = _names("(cos_?(and_?)?_?sin|sin_?cos|sinusoid).* .*_(cos_sin|sin_cos)")
COS = _names("cos.* .*_cos cosine.* c")
SIN = _names("sin.* .*_sin sine.*")
INVERSE_FREQUENCIES = _names(".*inv(erse)?_?freq(s|uenc(y|ies))?")  # of each pair, a row
FREQUENCIES = _names("freqs? frequencies omegas?")  # these, or a table of angles
TABLE = _names(
    ".*freqs?(_.*)? .*cis.* .*(theta|angle|phase|phi|rot|rope|emb|pe|cache|table|mat|matri|complex|phasor|sinu).*"
)

POSITIONS = _names(
    "(position|pos)_?(ids?|idxs?|index|indices) .*(position_?ids?|positions|pos_ids|indices) positions? pos "
    "input_pos(itions)? idx ids coords? coordinates? points? index grid"
)
OFFSET = _names(
    ".*offsets? start.* begin.* (kv_)?cache_(pos|position|len|size).* cache_(update_)?(index|idx) past.*len.* step "
    "prev_len kv_len seqlen_offset (prefill|prefix)_?(len|length|size) num_(computed|cached|past)_tokens"
)
TOTAL = _names(
    "(kv|k|key|total|full|context|ctx)_?(seq_?)?(len|length|lens|lengths)s?"
)  # perhaps with the new rows
LENGTH = _names(
    "(max_?)?(seq|sequence|position|pos|context|target|ctx|source|cache|block|time)[a-z_]*"
    "(len|length|size|embeddings?|positions?|s) seqlen slen len length l n_?ctx n_tokens num_tokens end end_pos "
    "(q|k|kv|query|key)_?(seq_?)?(len|length) seq_?len(gth)?_(q|k|kv) block_size max_.* maxlen rows steps? n_pos.* "
    "(n|num)_((draft|new|spec|speculative)_)?(steps|tokens) orig(inal)?_max_.*"
)
SECTIONS = _names("(m_?rope_?|rope_?)?sections?")
AXES = _names("(rope_)?(axes|axis)_?dims? rope_dim_list")  # lanes of each coordinate of a point
PAIR_FACTORS = _names("(short|long)_factors?")  # LongRoPE's, a number for each pair
LOW_FACTOR = _names("low_freq_factor")  # of Llama 3, as the next one: bounds of its bands in turns
HIGH_FACTOR = _names("high_freq_factor")
LAYER = _names("layer_(idx|id|index|number)")
PATCH = _names("(spatial_)?(patch|merge)_size")
MAKES_POSITIONS = _names(".*(position|pos)_?(ids?|indices) .*_positions")  # of a function
MASK = _names("(att(entio)?n|token|input|valid|prompt)_?masks? masks?")  # 0 where a row is padded
SEQUENCE_STARTS = _names(
    "cu_?(seq_?)?lens?(_.*)? cu_?seqlens?.* cumulative_.*len.* query_start_loc (seq|sequence)_starts?"
)
SIDE = _names(
    "(max|num|n)_(grid_|patch_|patches_|latent_)?(h|w|height|width|rows|cols) len_[thw] (pt|ft)_seq_len"
)
GRID = _names("h w height end_[xy] (grid|feat|n|num)_?(h|w|rows|cols|height|width) rows cols")
SEQUENCE_AXIS = _names(".*(seq|sequence|time|token)_?(dim|axis) dim axis")

ROTARY_DIM = _names(
    "rotary_?(dims?|size|ndims) rot_?(dims?|size) n_rot ndims? n_elem "
    ".*(rot|rope)[a-z_]*(elem|elems|dims?|size|width|n)"
)
HEAD_DIM = _names(
    "head_?(dim|size|width|features) d_head dim_head hd hdim d d_k dims? embed_dim embedding_dim channels axis_dim "
    "size inner_dim features n_elem n_rot d_rope d_half (rotary|rot|rope|qk_rope_head|kv|per_head|att(entio)?n_head)_?"
    "(dim|size|width|channels)s? rotary_ndims feat(ure)?s?_dim"
)
MODEL_DIM = _names(
    "(hidden|embed|embedding|model|n)_?(size|dim|dims|embd|embed) (d|dim|dims)_model n_embd emb_dim features width"
)
HEADS = _names("(n|num)_?(attention_|q_|query_)?heads? n_?h n_head heads? nhead")
KV_HEADS = _names(
    "(n|num)_?(kv|key_value)_?(heads?|groups) n_kv_heads? n_query_groups (n|num)_heads?_kv"
)
BATCH = _names("batch(_size)? bsz bs b")
BASE = _names("(rope_|rotary_|freq_?)?(base|theta)[a-z_]* base_freq .*(theta|base|wavelength).*")
FACTOR = _names(
    "(rotary_|rope_|partial_rotary_)?(pct|percent|percentage|fraction|factor|scal(e|ing)[a-z_]*) .*scal.*"
)
DTYPE = _names("dtype torch_dtype")
DEVICE = _names("device")
FLAG = _names("is_neox(_style)? neox half .*interleaved? traditional is_.* use_.*")
STYLE = _names(
    "(is_|use_|rope_|rotary_)?(interleaved?|neox|gpt_?neox|gpt_?j|half)(_style)? traditional "
    "inverse inverted conj conjugated? backward reversed? transposed? in_?place"
)
PAIRING = _names(
    "(is_|use_|rope_|rotary_)?(interleaved?|neox|gpt_?neox|gpt_?j)(_style)? traditional"
)
INVERSE = _names("(is_|use_)?(inverse|inverted|inv|conj|conjugated?)")
AXIS = _names("unsqueeze_(dim|axis) (seq|sequence|seq_len|time|token|head|heads)_?(dim|axis)")
QKV_WEIGHT = _names("(w_?)?qkv(_(w|weights?|proj))?")  # of a checkpoint, as the next ones
SLOT_WEIGHTS = tuple(
    _names(f"w{slot} {slot}_?(w|weights?|proj)(_.*)? w(eights?)?_{slot}(_.*)?")
    for slot in ("q", "k", "v")
)
WEIGHT = _names("w t tensors? .*weights? wt x param(eter)? proj(ection)? mat(rix)? data")
WEIGHTS = (QKV_WEIGHT, *SLOT_WEIGHTS, WEIGHT)
WEIGHT_ROWS = _names("dim1 d_?out (out|output)_(dim|size|features) (n_)?rows")
WEIGHT_COLUMNS = _names(
    "(dim|dim2|d_?in|hidden|cols|(in|input)_(dim|size|features)|columns) .*(model|embed|hidden)_?(dim|size)"
)
HEAD_ROWS = _names(
    "head_?(dim|size) d_head hd (dims?|size)_per_head (.*_)?per_head(_.*)? .*_per_head"
)
CACHE = _names("cache buffer_cache")
CONFIGURATION = _names(
    "(.*_)?(config|cfg|args|conf|params|hparams|configuration|hp|opts?|model_args)"
)


def on_cuda(name: str, default: object) -> bool:
    """Whether a parameter is a device that must be named, since its default is CUDA."""
    return is_named(name, DEVICE) and str(default).startswith("cuda")
