def test_a_user_is_created_and_read(scim, barbara):
    assert scim.get(f"/Users/{barbara['id']}").json == barbara
