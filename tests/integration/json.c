/* Looking into the JSON of answers, by yajl's tree: see json.h. */
#include "json.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "support.h"

static yajl_val
parse(const char *body)
{
	char error[256] = "";
	yajl_val tree = yajl_tree_parse(body, error, sizeof(error));

	ck_assert_msg(tree != NULL, "not JSON: %s\n%s", body, error);
	ck_assert_msg(YAJL_IS_OBJECT(tree), "not a JSON object: %s", body);
	return tree;
}

static yajl_val
member(yajl_val object, const char *key)
{
	const char *path[] = {key, NULL};

	return yajl_tree_get(object, path, yajl_t_any);
}

static const char *
text_of(yajl_val value)
{
	if (value == NULL)
		return NULL;
	if (YAJL_IS_STRING(value))
		return keep_format("%s", YAJL_GET_STRING(value));
	if (YAJL_IS_NUMBER(value))
		return keep_format("%s", YAJL_GET_NUMBER(value));
	if (YAJL_IS_TRUE(value))
		return "true";
	if (YAJL_IS_FALSE(value))
		return "false";
	if (YAJL_IS_NULL(value))
		return "null";
	return YAJL_IS_ARRAY(value) ? "(array)" : "(object)";
}

static const char *
kind_of(yajl_val value)
{
	if (YAJL_IS_STRING(value))
		return "string";
	if (YAJL_IS_NUMBER(value))
		return "number";
	if (YAJL_IS_TRUE(value) || YAJL_IS_FALSE(value))
		return "boolean";
	if (YAJL_IS_NULL(value))
		return "null";
	return YAJL_IS_ARRAY(value) ? "array" : "object";
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *
shape_of(yajl_val object)
{
	size_t n = object->u.object.len;
	const char **names = keep((n + 1) * sizeof(*names));
	const char *shape = "";

	ck_assert(YAJL_IS_OBJECT(object));
	for (size_t i = 0; i < n; i++)
		names[i] = keep_format("%s:%s", object->u.object.keys[i],
		    kind_of(object->u.object.values[i]));
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		shape =
		    keep_format("%s%s%s", shape, i > 0 ? " " : "", names[i]);
	return shape;
}

static yajl_val
array_of(yajl_val tree, const char *array)
{
	yajl_val value = member(tree, array);

	ck_assert_msg(value != NULL && YAJL_IS_ARRAY(value),
	    "member \"%s\" is not an array", array);
	return value;
}

static yajl_val
item_of(yajl_val tree, const char *array, size_t i)
{
	yajl_val value = array_of(tree, array);

	ck_assert_uint_lt(i, value->u.array.len);
	return value->u.array.values[i];
}

const char *
json_get(const char *body, const char *key)
{
	yajl_val tree = parse(body);
	const char *text = text_of(member(tree, key));

	yajl_tree_free(tree);
	return text;
}

const char *
json_item(const char *body, const char *array, size_t i, const char *key)
{
	yajl_val tree = parse(body);
	const char *text = text_of(member(item_of(tree, array, i), key));

	yajl_tree_free(tree);
	return text;
}

size_t
json_length(const char *body, const char *array)
{
	yajl_val tree = parse(body);
	size_t len = array_of(tree, array)->u.array.len;

	yajl_tree_free(tree);
	return len;
}

const char *
json_shape(const char *body)
{
	yajl_val tree = parse(body);
	const char *shape = shape_of(tree);

	yajl_tree_free(tree);
	return shape;
}

const char *
json_item_shape(const char *body, const char *array, size_t i)
{
	yajl_val tree = parse(body);
	const char *shape = shape_of(item_of(tree, array, i));

	yajl_tree_free(tree);
	return shape;
}
